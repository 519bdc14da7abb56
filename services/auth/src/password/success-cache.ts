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

  /** What a pair of login name and password is kept under; tells nothing without the key. */
  fingerprint(name: string, password: string): string {
    return createHmac('sha256', this.#key)
      .update(`${name}\0`)
      .update(passwordOctets(password))
      .digest('base64');
  }

  /** The version of the credential with which this pair was right lately, if that is still one of these. */
  find(fingerprint: string, versions: readonly string[]): string | undefined {
    const kept = this.#kept.get(fingerprint);
    if (kept === undefined) return undefined;
    if (kept.until <= performance.now()) this.#kept.delete(fingerprint);
    // A version that is missing may be one that another protocol may use.
    else if (versions.includes(kept.version)) return kept.version;
    return undefined;
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
