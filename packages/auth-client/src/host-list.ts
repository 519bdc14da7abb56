import dns from 'node:dns/promises';
import net from 'node:net';

/**
 * Where the replicas of a service are: a list of `host:port`, each name resolved again every few
 * seconds, so that a new replica gets its share and one that left is forgotten.
 */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** One replica: an address of one of the names. */
export interface Place {
  /** `address:port`, IPv6 in brackets. */
  readonly key: string;
  readonly address: string;
  readonly port: number;
}

/**
 * Reads `host:port,host:port`; IPv6 addresses stand in brackets.
 * @throws Error that names the item which cannot be read, also for an empty list
 */
export function parseHostList(text: string): HostPort[] {
  const list = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
    .map((item) => {
      const colon = item.lastIndexOf(':');
      const port = Number(item.slice(colon + 1));
      let host = item.slice(0, Math.max(colon, 0));
      if (host.startsWith('[') && host.endsWith(']')) host = host.slice(1, -1);
      else if (host.includes(':')) throw new Error(`"${item}": write an IPv6 address as [address]:port`);
      if (host === '' || !Number.isInteger(port) || port < 1 || port > 65535)
        throw new Error(`"${item}" is not host:port`);
      return { host, port };
    });
  if (list.length === 0) throw new Error('the list of host:port is empty');
  return list;
}

/** How old an answer may be before a name is asked again after trouble, ms. */
const SOON_MS = 1000;

export type LookUp = (host: string) => Promise<readonly string[]>;

const systemLookUp: LookUp = async (host) =>
  (await dns.lookup(host, { all: true })).map((found) => found.address);

/** Keeps the places of a host list fresh. It has no timer of its own: asking for the places is what refreshes them. */
export class Places {
  readonly #hosts: readonly HostPort[];
  readonly #everyMs: number;
  readonly #lookUp: LookUp;
  /** The last answer for each name. */
  readonly #last: (readonly Place[])[] = [];
  #places: readonly Place[] = [];
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #refreshing: Promise<void> | undefined;

  constructor(hosts: readonly HostPort[], everyMs: number, lookUp: LookUp = systemLookUp) {
    this.#hosts = hosts;
    this.#everyMs = everyMs;
    this.#lookUp = lookUp;
  }

  /** The places known now; waits for a look-up only while none is known. Empty when no name resolves. */
  current(now: number): readonly Place[] | Promise<readonly Place[]> {
    if (now - this.#refreshedAt >= this.#everyMs) {
      this.#refreshedAt = now;
      this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined));
    }
    if (this.#places.length > 0) return this.#places;
    if (this.#refreshing === undefined) return this.#places;
    return this.#refreshing.then(() => {
      // Names that do not resolve yet are asked again at the next call, not in five seconds.
      if (this.#places.length === 0) this.#refreshedAt = Number.NEGATIVE_INFINITY;
      return this.#places;
    });
  }

  /** One of them did not answer: it may be gone from its name already. Asks again unless that was just done. */
  lookSoon(now: number): void {
    if (now - this.#refreshedAt > SOON_MS) this.#refreshedAt = Number.NEGATIVE_INFINITY;
  }

  async #refresh(): Promise<void> {
    const found = await Promise.all(this.#hosts.map((entry, index) => this.#resolve(entry, index)));
    const unique = new Map(found.flat().map((place) => [place.key, place]));
    this.#places = [...unique.values()];
  }

  async #resolve({ host, port }: HostPort, index: number): Promise<readonly Place[]> {
    if (net.isIP(host) !== 0) return [place(host, port)];
    try {
      this.#last[index] = (await this.#lookUp(host)).map((address) => place(address, port));
    } catch {
      // A resolver that is away takes nothing from us: what this name gave before stays.
    }
    return this.#last[index] ?? [];
  }
}

function place(address: string, port: number): Place {
  return { key: net.isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`, address, port };
}
