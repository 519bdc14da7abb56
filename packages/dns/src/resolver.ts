import dns from 'node:dns';
import type packet from 'dns-packet';
import { type Answer, plainName, readRecords, type RecordType, type RecordTypes } from './answer.ts';
import { exchange } from './exchange.ts';
import { parseServer, type Server, ServerNames } from './server.ts';

export interface ResolverOptions {
  /** Addresses or names, with or without `:port` (IPv6 in brackets with a port); those of the system when not given. */
  readonly servers?: readonly string[];
  /** For each question to each server, ms; 2,000 when not given. */
  readonly timeoutMs?: number;
  /** Rounds over all servers; 2 when not given. */
  readonly rounds?: number;
  /** Questions under way at a time; 200 when not given. Others wait their turn. */
  readonly inFlight?: number;
  /** Answers kept; 10,000 when not given. */
  readonly cacheSize?: number;
}

/** Seconds that an answer is kept at most, whatever its TTL says. */
const MAX_TTL = 3600;
/** Seconds that "there is none" is kept at most, RFC 2308 §5. */
const MAX_NEGATIVE_TTL = 300;
/** Names asked one after the other when servers do not follow CNAMEs themselves. */
const MAX_ALIASES = 4;
const RETRY_CODES: ReadonlySet<string> = new Set(['SERVFAIL', 'REFUSED', 'NOTIMP', 'FORMERR']);

/** The system's resolvers. */
export function systemServers(): string[] {
  return dns.getServers();
}

/** Asks recursive servers; answers are values, kept for their TTL. No look-up rejects. */
export class Resolver {
  readonly #servers: readonly Server[];
  readonly #names = new ServerNames();
  readonly #options: Required<Omit<ResolverOptions, 'servers'>>;
  readonly #cache = new Map<string, { readonly answer: Answer<unknown>; readonly until: number }>();
  readonly #asking = new Map<string, Promise<Answer<unknown>>>();
  #inFlight = 0;
  readonly #waiting: (() => void)[] = [];

  /** @throws RangeError for a server that is neither an address nor a name */
  constructor(options: ResolverOptions = {}) {
    this.#options = { timeoutMs: 2000, rounds: 2, inFlight: 200, cacheSize: 10_000, ...options };
    this.#servers = (options.servers ?? systemServers()).map(parseServer);
    if (this.#servers.length === 0) throw new RangeError('no DNS server is known');
  }

  /** The records of one type, through CNAMEs. Equal questions at one time are asked once. */
  lookup<T extends RecordType>(name: string, type: T): Promise<Answer<RecordTypes[T]>> {
    const plain = plainName(name);
    if (plain === '' || plain.length > 253) return Promise.resolve({ kind: 'nxdomain' });
    const key = `${type} ${plain}`;
    const kept = this.#cache.get(key);
    if (kept !== undefined && kept.until > performance.now())
      return Promise.resolve(kept.answer as Answer<RecordTypes[T]>);
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = this.#take(plain, type, key).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    return asking as Promise<Answer<RecordTypes[T]>>;
  }

  async #take(name: string, type: RecordType, key: string): Promise<Answer<unknown>> {
    if (this.#inFlight >= this.#options.inFlight) await new Promise<void>((go) => this.#waiting.push(go));
    else this.#inFlight++;
    try {
      const { answer, ttl } = await this.#resolve(name, type);
      if (ttl > 0) this.#keep(key, answer, ttl);
      return answer;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#inFlight--;
      else next();
    }
  }

  async #resolve(name: string, type: RecordType): Promise<{ answer: Answer<unknown>; ttl: number }> {
    let asked = name;
    let ttl = MAX_TTL;
    for (let aliases = 0; aliases < MAX_ALIASES; aliases++) {
      const response = await this.#ask(asked, type);
      if (typeof response === 'string') return { answer: { kind: 'try-later', cause: response }, ttl: 0 };
      const read = readRecords(response.answers ?? [], asked, type);
      ttl = Math.min(ttl, read.ttl);
      const authenticated = response.flag_ad;
      if (read.records.length > 0)
        return { answer: { kind: 'found', records: read.records, authenticated }, ttl };
      const kind = rcodeOf(response) === 'NXDOMAIN' ? ('nxdomain' as const) : ('none' as const);
      if (kind === 'nxdomain' || read.end === asked)
        return { answer: { kind }, ttl: Math.min(ttl, negativeTtl(response)) };
      asked = read.end;
    }
    return { answer: { kind: 'try-later', cause: `too many CNAMEs from ${name}` }, ttl: 0 };
  }

  /** The first good response of any server, or why there is none. */
  async #ask(name: string, type: RecordType): Promise<packet.DecodedPacket | string> {
    let cause = '';
    for (let round = 0; round < this.#options.rounds; round++) {
      for (const server of this.#servers) {
        try {
          const { timeoutMs } = this.#options;
          const located = await this.#names.locate(server, timeoutMs);
          const response = await exchange(located, name, type, timeoutMs);
          const rcode = rcodeOf(response);
          if (!RETRY_CODES.has(rcode)) return response;
          cause = `${rcode} for ${type} of ${name}`;
        } catch (error) {
          cause = `${type} of ${name}: ${(error as Error).message}`;
        }
      }
    }
    return cause;
  }

  #keep(key: string, answer: Answer<unknown>, ttl: number): void {
    // The oldest goes first: a Map keeps the order of insertion.
    if (this.#cache.size >= this.#options.cacheSize)
      for (const oldest of this.#cache.keys()) {
        this.#cache.delete(oldest);
        break;
      }
    this.#cache.delete(key);
    this.#cache.set(key, { answer, until: performance.now() + ttl * 1000 });
  }
}

/** dns-packet decodes the code into its name, which its type does not tell. */
function rcodeOf(response: packet.DecodedPacket): string {
  return (response as { rcode?: string }).rcode ?? 'NOERROR';
}

/** RFC 2308 §5: the lesser of the SOA's TTL and its minimum; without an SOA nothing is kept. */
function negativeTtl(response: packet.DecodedPacket): number {
  for (const one of response.authorities ?? [])
    if (one.type === 'SOA') return Math.min(one.ttl ?? 0, one.data.minimum ?? 0, MAX_NEGATIVE_TTL);
  return 0;
}
