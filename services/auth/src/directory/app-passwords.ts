import type { AppPassword, Scope } from '@waybill/auth-client';
import { transaction } from '@waybill/postgres';
import type pg from 'pg';
import type { Address } from '../address.ts';
import type { ScramKeys } from '../password/scram-keys.ts';
import { Refused } from '../refused.ts';
import { findAccount } from './accounts.ts';
import { scramValues } from './credentials.ts';

/** App passwords: one per app or device, each good for some protocols, removed without touching the others. */
export const MAX_APP_PASSWORDS = 20;

interface Columns {
  readonly label: string;
  readonly scopes: Scope[];
  readonly created_at: Date;
  readonly last_used_at: Date | null;
}
const COLUMNS = 'label, scopes, created_at, last_used_at';

export class AppPasswords {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** @throws Refused not-found; exists for a label that is taken; in-use when there are twenty */
  async add(
    address: Address,
    label: string,
    scopes: readonly Scope[],
    kept: { readonly digest: Buffer; readonly scram: ScramKeys },
  ): Promise<AppPassword> {
    return transaction(this.#pool, async (client) => {
      const accountId = await findAccount(client, address, 'for update');
      const { rows } = await client.query<Columns>(
        `insert into directory.app_password
           (account_id, label, scopes, digest, scram_salt, scram_iterations, scram_stored_key, scram_server_key)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning ${COLUMNS}`,
        [accountId, label, [...new Set(scopes)], kept.digest, ...scramValues(kept.scram)],
      );
      if (rows[0] === undefined)
        throw new Refused(
          'exists',
          `the account has an app password labelled ${label} already; remove it first`,
        );
      const count = await client.query<{ n: number }>(
        'select count(*)::int as n from directory.app_password where account_id = $1',
        [accountId],
      );
      if ((count.rows[0]?.n ?? 0) > MAX_APP_PASSWORDS)
        throw new Refused(
          'in-use',
          `an account has at most ${MAX_APP_PASSWORDS} app passwords; remove one first`,
        );
      return appPasswordOf(rows[0]);
    });
  }

  /** @throws Refused not-found */
  async list(address: Address): Promise<AppPassword[]> {
    const accountId = await findAccount(this.#pool, address);
    const { rows } = await this.#pool.query<Columns>(
      `select ${COLUMNS} from directory.app_password where account_id = $1 order by label`,
      [accountId],
    );
    return rows.map(appPasswordOf);
  }

  /** @throws Refused not-found */
  async remove(address: Address, label: string): Promise<void> {
    const accountId = await findAccount(this.#pool, address);
    const { rowCount } = await this.#pool.query(
      'delete from directory.app_password where account_id = $1 and label = $2',
      [accountId, label],
    );
    if (rowCount === 0) throw new Refused('not-found', `the account has no app password labelled ${label}`);
  }
}

function appPasswordOf(row: Columns): AppPassword {
  return {
    label: row.label,
    scopes: row.scopes,
    createdAt: row.created_at.toISOString(),
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at.toISOString() }),
  };
}
