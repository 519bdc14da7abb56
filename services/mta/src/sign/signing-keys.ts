import { createPrivateKey } from 'node:crypto';
import type { SigningKey } from '@waybill/mail-auth/sign';
import type { openPool } from '@waybill/postgres';
import type { DkimAlgorithm } from '@waybill/signing';

/** The keys that sign now, read from the schema `signing` and kept for a while. */
export interface SigningKeysOptions {
  /** Logged in as mta. */
  readonly pool: Pick<ReturnType<typeof openPool>, 'query'>;
  /** How long an answer is used, ms; 45,000 when not given. A key that is new or over is noticed that late. */
  readonly keepMs?: number;
}

const KEEP = 45_000;
/** Domains remembered, those without keys included. */
const MAX_DOMAINS = 5000;
/** Labels of a name that are looked at, from the right: RFC 9989 §4.10 walks as far. */
const MAX_LABELS = 8;

interface KeyRow {
  readonly domain: string;
  readonly selector: string;
  readonly algorithm: DkimAlgorithm;
  readonly private_key: string;
}

export class SigningKeys {
  readonly #options: SigningKeysOptions;
  readonly #kept = new Map<
    string,
    { readonly keys: Promise<readonly SigningKey[]>; readonly until: number }
  >();

  constructor(options: SigningKeysOptions) {
    this.#options = options;
  }

  /**
   * The active keys of a domain, or of the nearest domain above it that has some; none for a domain that is not ours.
   * @param domain A-labels, lower case
   * @throws what Postgres throws, and node:crypto for a key that is none: a message must wait then, not go unsigned
   */
  of(domain: string): Promise<readonly SigningKey[]> {
    const now = performance.now();
    const kept = this.#kept.get(domain);
    if (kept !== undefined && kept.until > now) return kept.keys;
    if (this.#kept.size >= MAX_DOMAINS)
      for (const oldest of this.#kept.keys()) {
        this.#kept.delete(oldest);
        break;
      }
    this.#kept.delete(domain);
    const keys = this.#read(namesUpwards(domain));
    this.#kept.set(domain, { keys, until: now + (this.#options.keepMs ?? KEEP) });
    // Trouble is not remembered.
    keys.catch(() => {
      if (this.#kept.get(domain)?.keys === keys) this.#kept.delete(domain);
    });
    return keys;
  }

  async #read(names: readonly string[]): Promise<readonly SigningKey[]> {
    const { rows } = await this.#options.pool.query<KeyRow>({
      name: 'signing.active',
      text: `select domain, selector, algorithm, private_key from signing.dkim_key
              where domain = any($1::text[]) and state = 'active' order by algorithm desc`,
      values: [names],
    });
    const nearest = names.find((name) => rows.some(({ domain }) => domain === name));
    return rows
      .filter(({ domain }) => domain === nearest)
      .map((row) => ({
        domain: row.domain,
        selector: row.selector,
        algorithm: row.algorithm,
        privateKey: createPrivateKey(row.private_key),
      }));
  }
}

/** The name itself, then each above it that is more than a top-level domain. */
export function namesUpwards(domain: string): string[] {
  const labels = domain.split('.');
  const names = [domain];
  for (let i = Math.max(1, labels.length - MAX_LABELS); i <= labels.length - 2; i++)
    names.push(labels.slice(i).join('.'));
  return names;
}
