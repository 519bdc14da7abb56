import { createHmac, randomBytes } from 'node:crypto';
import { passwordOctets } from './phc.ts';

/**
 * Remembers for a short time that a password was right, so that a client which logs in for every
 * look costs one hash a minute. What is kept is an HMAC under a key that lives and dies with this
 * process, and the version of the credential that matched: a changed or removed one matches no more.
 */
export class SuccessCache {
  readonly #key = randomBytes(32);
  readonly #lifeMs: number;
  readonly #entries: number;
  readonly #kept = new Map<string, { version: string; until: number }>();

  constructor(options: { readonly lifeMs: number; readonly entries?: number }) {
    this.#lifeMs = options.lifeMs;
    this.#entries = options.entries ?? 50_000;
  }

  /** What a pair of account and password is kept under; tells nothing without the key. */
  fingerprint(accountId: string, password: string): string {
    return createHmac('sha256', this.#key)
      .update(`${accountId}\0`)
      .update(passwordOctets(password))
      .digest('base64');
  }

  /** Whether this pair was right lately, with a credential that still is what it was. */
  has(fingerprint: string, versions: readonly string[]): boolean {
    const kept = this.#kept.get(fingerprint);
    if (kept === undefined) return false;
    if (kept.until > performance.now() && versions.includes(kept.version)) return true;
    this.#kept.delete(fingerprint);
    return false;
  }

  add(fingerprint: string, version: string): void {
    if (this.#lifeMs <= 0) return;
    this.#kept.delete(fingerprint);
    this.#kept.set(fingerprint, { version, until: performance.now() + this.#lifeMs });
    if (this.#kept.size <= this.#entries) return;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }
}
