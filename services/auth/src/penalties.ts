import net from 'node:net';

/**
 * What failed logins cost, per account and per client address, in memory. Accounts are only ever
 * slowed down, never locked: a lock would let anybody shut anybody out. A client address that
 * goes on failing is no longer heard until its failures have faded.
 */
export interface PenaltyOptions {
  /** Failures of one client address after which it is refused; 0 never refuses. */
  readonly clientLimit: number;
  /** Milliseconds in which one failure fades. Default 30,000. */
  readonly fadeMs?: number;
  /** Names remembered, of each kind. Default 50,000. */
  readonly entries?: number;
}

export type Penalty = { readonly kind: 'delay'; readonly ms: number } | { readonly kind: 'refuse' };

interface Failures {
  count: number;
  at: number;
}

/** The first failures are typing errors and cost nothing. */
const FREE = 3;
const FIRST_DELAY_MS = 100;
/** Below the agents' deadline, so that an answer, however late, is an answer. */
const MAX_DELAY_MS = 1000;

/** Pure: how long an attempt waits after so many failures. */
export function delayAfter(failures: number): number {
  if (failures < FREE) return 0;
  return Math.min(FIRST_DELAY_MS * 2 ** (Math.floor(failures) - FREE), MAX_DELAY_MS);
}

export class Penalties {
  readonly #options: PenaltyOptions;
  readonly #accounts = new Map<string, Failures>();
  readonly #clients = new Map<string, Failures>();

  constructor(options: PenaltyOptions) {
    this.#options = options;
  }

  /** What an attempt must bear before it is looked at. */
  before(client: string, username: string, now = performance.now()): Penalty {
    const byClient = this.#count(this.#clients.get(network(client)), now);
    if (this.#options.clientLimit > 0 && byClient >= this.#options.clientLimit) return { kind: 'refuse' };
    const byAccount = this.#count(this.#accounts.get(username), now);
    return { kind: 'delay', ms: delayAfter(Math.max(byClient, byAccount)) };
  }

  failed(client: string, username: string, now = performance.now()): void {
    this.#add(this.#clients, network(client), now);
    this.#add(this.#accounts, username, now);
  }

  /** A right password frees the account; the client's failures fade by themselves, lest one good account excuse many tries. */
  succeeded(username: string): void {
    this.#accounts.delete(username);
  }

  #count(failures: Failures | undefined, now: number): number {
    if (failures === undefined) return 0;
    return Math.max(0, failures.count - (now - failures.at) / (this.#options.fadeMs ?? 30_000));
  }

  #add(map: Map<string, Failures>, key: string, now: number): void {
    const before = this.#count(map.get(key), now);
    map.delete(key);
    map.set(key, { count: before + 1, at: now });
    if (map.size <= (this.#options.entries ?? 50_000)) return;
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }
}

/** Whom a client address stands for: an IPv4 address, or the /64 that one IPv6 customer has to himself. */
export function network(client: string): string {
  if (!net.isIPv6(client)) return client;
  const lower = client.toLowerCase();
  const mapped = lower.startsWith('::ffff:') ? lower.slice(7) : '';
  if (net.isIPv4(mapped)) return mapped;
  const [head = '', tail = ''] = lower.split('%')[0]!.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const zeros = lower.includes('::') ? Math.max(0, 8 - left.length - right.length) : 0;
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
