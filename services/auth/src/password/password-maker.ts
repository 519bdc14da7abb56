import { createHash, randomBytes, randomInt } from 'node:crypto';
import type { KeptPassword } from '../directory/credentials.ts';
import type { DirectorySecret } from '../secret.ts';
import type { HashQueue, Lane } from './hash-queue.ts';
import { hashPassword, isOfDefaultCost, saltOf } from './phc.ts';
import { makeScramKeys, type ScramKeys } from './scram-keys.ts';
import { isForeign } from './schemes.ts';

/**
 * Makes what is kept of a password. All passwords of one account share one salt of each kind: one hash
 * then compares a login with all of them, however many there are; and a client of SCRAM, which is told
 * the salt before anybody knows which password it has, can use any of them.
 */
export class PasswordMaker {
  readonly #queue: HashQueue;
  readonly #secret: DirectorySecret;
  readonly iterations: number;

  constructor(queue: HashQueue, secret: DirectorySecret, iterations: number) {
    this.#queue = queue;
    this.#secret = secret;
    this.iterations = iterations;
  }

  /** SCRAM's salt of a login name, whether it exists or not. @param name the formatted address */
  scramSalt(name: string): Buffer {
    return this.#secret.of('scram salt', name).subarray(0, 16);
  }

  /**
   * @param name the account's primary address
   * @param siblings hashes that the account has, the main password's first
   * @throws HashQueueFull
   */
  async make(
    password: string,
    name: string,
    siblings: readonly string[],
    lane: Lane = 'front',
  ): Promise<KeptPassword> {
    return this.#queue.run(
      async () => ({
        phc: await hashPassword(password, { salt: sharedSalt(siblings) }),
        scram: await makeScramKeys(password, this.scramSalt(name), this.iterations),
      }),
      lane,
    );
  }

  /** Whether what is kept could be better: another server's hash, a salt of its own, no keys. */
  isOutdated(
    kept: { readonly phc: string; readonly scram: ScramKeys | undefined },
    name: string,
    siblings: readonly string[],
  ): boolean {
    if (isForeign(kept.phc) || !isOfDefaultCost(kept.phc)) return true;
    const shared = sharedSalt(siblings);
    if (shared !== undefined && saltOf(kept.phc)?.equals(shared) !== true) return true;
    return (
      kept.scram === undefined ||
      kept.scram.iterations !== this.iterations ||
      !kept.scram.salt.equals(this.scramSalt(name))
    );
  }

  /** A new app password, which is shown once, and what is kept of it. */
  async makeAppPassword(
    name: string,
  ): Promise<{ readonly password: string; readonly digest: Buffer; readonly scram: ScramKeys }> {
    // 24 letters of 32 that are hard to confuse: 120 bits, so one fast digest keeps it well.
    const password = Array.from({ length: 24 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
    const scram = await this.#queue.run(() => makeScramKeys(password, this.scramSalt(name), this.iterations));
    return { password, digest: digestOf(password), scram: scram! };
  }
}

const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789A';

/** What is kept of an app password. */
export function digestOf(password: string): Buffer {
  return createHash('sha256').update(password.normalize('NFC')).digest();
}

/** The salt of the first of an account's hashes that is of our own kind; undefined: a fresh one. */
function sharedSalt(siblings: readonly string[]): Buffer | undefined {
  return saltOf(siblings.find((phc) => !isForeign(phc) && isOfDefaultCost(phc)) ?? '');
}

/** Keys of a password that nobody knows: what proofs for unknown names are compared with. */
export function keysOfNobody(): ScramKeys {
  return { salt: randomBytes(16), iterations: 4096, storedKey: randomBytes(32), serverKey: randomBytes(32) };
}
