import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type pg from 'pg';

/**
 * What every replica of auth knows alike and nobody else does: made once, by whichever replica asks
 * first. From it come the keys of sealed SASL states and the salts that every login name has, whether
 * it exists or not.
 */
export class DirectorySecret {
  readonly #secret: Buffer;

  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  /** @throws what the database throws */
  static async open(pool: pg.Pool): Promise<DirectorySecret> {
    await pool.query('insert into directory.secret (name, value) values ($1, $2) on conflict do nothing', [
      'sasl',
      randomBytes(32),
    ]);
    const { rows } = await pool.query<{ value: Buffer }>(
      'select value from directory.secret where name = $1',
      ['sasl'],
    );
    const value = rows[0]?.value;
    if (value === undefined) throw new Error('the secret of the directory could not be made');
    return new DirectorySecret(value);
  }

  /** 32 octets for one purpose, which tell nothing about those for another. */
  key(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#secret, '', purpose, 32));
  }

  /** 32 octets that belong to a name, the same on every replica and after every restart. */
  of(purpose: string, name: string): Buffer {
    return createHmac('sha256', this.#secret).update(`${purpose}\0${name}`).digest();
  }
}
