import { isInner } from '@waybill/listener';
import { formatNetwork, networkAround, parseIp } from '@waybill/auth-client';

/**
 * What failed logins cost, per account, per client network and per the wider network around it, in
 * memory. Accounts are only ever slowed down, never locked: a lock would let anybody shut anybody out;
 * and not even that for a client that comes from where the account came from before. A network that
 * goes on failing is no longer heard until its failures have faded. One wrong password counts once,
 * however often a forgotten device repeats it.
 */
export interface PenaltyOptions {
  /** Failures of one client network after which it is refused; 0 never refuses. */
  readonly clientLimit: number;
  /** Different failures of one network, in about a day, after which it is worth a ban; 0: never. */
  readonly banAfter?: number;
  /** Milliseconds in which one failure fades. Default 30,000. */
  readonly fadeMs?: number;
  /** Names remembered, of each kind. Default 50,000. */
  readonly entries?: number;
}

/** One try to log in. */
export interface Attempt {
  /** The client's address. */
  readonly client: string;
  /** The account as the client names it, normalised; unknown names are treated like known ones. */
  readonly name: string;
  /** The same for the same name and password. */
  readonly fingerprint: string;
  /** Where a repeat cannot be told from a new guess: what counts as one towards a ban. The fingerprint, when not given. */
  readonly towardsBan?: string;
  /** Whether the account logged in from this network before. */
  readonly known: boolean;
}

export type Penalty =
  | { readonly kind: 'refuse' }
  /** Wait so long. `clean`: this network has not failed lately. */
  | { readonly kind: 'delay'; readonly ms: number; readonly clean: boolean };

interface Failures {
  count: number;
  at: number;
  /** Fingerprints of the last ones, newest last. */
  recent: readonly string[];
}

interface Client {
  /** When the last attempt that had to wait was let through, or will be. */
  lineAt: number;
  /** Fingerprints of the attempts under way, and how often each. */
  readonly underWay: Map<string, number>;
  /** Accounts that logged in from here, a few of them. */
  readonly welcome: Set<string>;
}

/** The first failures are typing errors and cost nothing. */
const FREE = 3;
const FIRST_DELAY_MS = 100;
/** Below the agents' deadline, so that an answer, however late, is an answer. */
const MAX_DELAY_MS = 1000;
/** Who would wait longer for the attempts of his own network before him is told to try later. */
const MAX_LINE_MS = 2000;
/** A wider network bears so many times the failures of one. */
const WIDE = 10;
/** Different attempts that may be under way from one network, once for itself and once for each account that it is good for. */
const ABREAST = 10;
const RECENT = 16;
const DAY_MS = 24 * 3600 * 1000;

/** Pure: how long an attempt waits after so many failures. */
export function delayAfter(failures: number): number {
  if (failures < FREE) return 0;
  return Math.min(FIRST_DELAY_MS * 2 ** (Math.floor(failures) - FREE), MAX_DELAY_MS);
}

export class Penalties {
  readonly #options: PenaltyOptions;
  readonly #accounts = new Map<string, Failures>();
  readonly #networks = new Map<string, Failures>();
  readonly #wide = new Map<string, Failures>();
  readonly #days = new Map<string, Failures>();
  readonly #clients = new Map<string, Client>();

  constructor(options: PenaltyOptions) {
    this.#options = options;
  }

  /** What an attempt must bear before it is looked at. One that is not refused is under way until `leave`. */
  enter(attempt: Attempt, now = performance.now()): Penalty {
    const { narrow, wide, inner } = networksOf(attempt.client);
    const limit = this.#options.clientLimit;
    // Behind an inner address many owners may stand: only accounts are slow.
    const own = inner ? 0 : this.#count(this.#networks.get(narrow), now);
    const around = inner ? 0 : this.#count(this.#wide.get(wide), now) / WIDE;
    if (!attempt.known && limit > 0 && Math.max(own, around) >= limit) return { kind: 'refuse' };
    // Whoever lives there does not stand behind a neighbour who guesses at others.
    const client = this.#client(lineOf(attempt, narrow));
    // Guesses that come all at once cost what they would cost one after the other.
    const abreast = ABREAST * (1 + client.welcome.size);
    const excess =
      attempt.known || inner || client.underWay.has(attempt.fingerprint)
        ? 0
        : Math.max(0, client.underWay.size + 1 - abreast);
    const pace = delayAfter(attempt.known ? own : Math.max(own + excess, around));
    const ready = pace === 0 ? now : Math.max(now, client.lineAt) + pace;
    if (ready - now > MAX_LINE_MS) return { kind: 'refuse' };
    if (pace > 0) client.lineAt = ready;
    client.underWay.set(attempt.fingerprint, (client.underWay.get(attempt.fingerprint) ?? 0) + 1);
    const account = attempt.known ? 0 : delayAfter(this.#count(this.#accounts.get(attempt.name), now));
    return {
      kind: 'delay',
      ms: Math.max(ready - now, account),
      clean: own < 1 && around < 1 && account === 0,
    };
  }

  /** The attempt has its answer. */
  leave(attempt: Attempt): void {
    const client = this.#clients.get(lineOf(attempt, networksOf(attempt.client).narrow));
    const times = client?.underWay.get(attempt.fingerprint) ?? 0;
    if (times > 1) client?.underWay.set(attempt.fingerprint, times - 1);
    else client?.underWay.delete(attempt.fingerprint);
  }

  /** @returns whether the network has now failed so often that it should be banned */
  failed(attempt: Attempt, now = performance.now()): boolean {
    const { narrow, wide } = networksOf(attempt.client);
    this.#add(this.#accounts, attempt.name, attempt.fingerprint, now);
    if (!this.#add(this.#networks, narrow, attempt.fingerprint, now)) return false;
    this.#add(this.#wide, wide, attempt.fingerprint, now);
    const { banAfter = 0 } = this.#options;
    // Whoever lives there mistypes, or has forgotten a device that was not told the new password.
    if (banAfter === 0 || attempt.known) return false;
    const fadeMs = DAY_MS / banAfter;
    if (!this.#add(this.#days, narrow, attempt.towardsBan ?? attempt.fingerprint, now, fadeMs)) return false;
    if (this.#count(this.#days.get(narrow), now, fadeMs) < banAfter - 0.5) return false;
    this.#days.delete(narrow);
    return true;
  }

  /** A right password frees the account; the network's failures fade by themselves, lest one good account excuse many tries. */
  succeeded(attempt: Attempt): void {
    this.#accounts.delete(attempt.name);
    const { welcome } = this.#client(networksOf(attempt.client).narrow);
    if (welcome.size < RECENT) welcome.add(attempt.name);
  }

  #client(key: string): Client {
    let client = this.#clients.get(key);
    if (client === undefined) {
      client = { lineAt: 0, underWay: new Map(), welcome: new Set() };
      if (this.#clients.size >= (this.#options.entries ?? 50_000)) this.#makeRoom();
    } else this.#clients.delete(key);
    this.#clients.set(key, client);
    return client;
  }

  /** The client unused for longest goes, unless something of it is under way. */
  #makeRoom(): void {
    for (const [key, { underWay }] of this.#clients) {
      if (underWay.size > 0) continue;
      this.#clients.delete(key);
      return;
    }
  }

  #count(failures: Failures | undefined, now: number, fadeMs = this.#options.fadeMs ?? 30_000): number {
    if (failures === undefined) return 0;
    return Math.max(0, failures.count - (now - failures.at) / fadeMs);
  }

  /** @returns false when this very failure was counted lately */
  #add(map: Map<string, Failures>, key: string, fingerprint: string, now: number, fadeMs?: number): boolean {
    const failures = map.get(key);
    if (failures?.recent.includes(fingerprint) === true) return false;
    const count = this.#count(failures, now, fadeMs) + 1;
    map.delete(key);
    map.set(key, { count, at: now, recent: [...(failures?.recent ?? []).slice(1 - RECENT), fingerprint] });
    if (map.size <= (this.#options.entries ?? 50_000)) return true;
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
    return true;
  }
}

/** In which line an attempt stands. */
function lineOf({ known, name }: Attempt, narrow: string): string {
  return known ? `${narrow} ${name}` : narrow;
}

interface Networks {
  /** The address, or the /64 that one IPv6 customer has to himself. */
  readonly narrow: string;
  /** The /24 or /48 around it. */
  readonly wide: string;
  /** Loopback, private and link-local: a proxy or a neighbour, where many people may stand behind one address. */
  readonly inner: boolean;
}

/** Whom a client address stands for. */
export function networksOf(client: string): Networks {
  const ip = parseIp(client);
  // A unix socket: whoever is at its other end is this machine's.
  if (ip === undefined) return { narrow: client, wide: client, inner: true };
  const v4 = ip.family === 4;
  return {
    narrow: formatNetwork(networkAround(ip, v4 ? 32 : 64)),
    wide: formatNetwork(networkAround(ip, v4 ? 24 : 48)),
    inner: isInner(client),
  };
}
