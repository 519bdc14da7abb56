import { systemServers } from '../resolver.ts';
import { plainName } from '../answer.ts';
import { askServer } from './ask.ts';
import type { Detail, DetailType, DetailTypes } from './detail.ts';

/** One server and what it said. */
export interface Said<T> {
  /** For people: `ns1.example.net (192.0.2.1)`, or the resolver's address. */
  readonly server: string;
  readonly detail: Detail<T>;
}

/** One question, asked of the zone's own servers and of the resolvers. */
export interface Seen<T> {
  readonly name: string;
  readonly type: DetailType;
  /** Empty where none of the zone's servers is known. */
  readonly authorities: readonly Said<T>[];
  readonly resolvers: readonly Said<T>[];
  /** The one that counts: of the zone's own servers, the first that answers; else of a resolver. */
  readonly answer: Detail<T>;
}

/** Where a zone begins, and who serves it. */
export interface ZoneCut {
  readonly origin: string;
  readonly servers: readonly {
    readonly name: string;
    readonly address: string | undefined;
  }[];
}

export interface InquiryOptions {
  /** Recursive servers; those of the system when not given. The first two are asked. */
  readonly resolvers?: readonly string[];
  /** Where a connection to this address and port really goes; for a lab. */
  readonly place?: (host: string, port: number) => { readonly host: string; readonly port: number };
  /** For each try of each question, ms; 2,000 when not given. */
  readonly timeoutMs?: number;
  readonly tries?: number;
}

/** Servers of a zone that are asked: as many as it takes to notice that one lags behind. */
const MAX_SERVERS = 4;
const MAX_RESOLVERS = 2;
const MAX_HOPS = 4;

/**
 * A look at the DNS as it is now, not as a cache remembers it. Each question is asked once in the life of an
 * Inquiry: for a fresh look make a new one. Nothing rejects.
 */
export class Inquiry {
  readonly resolvers: readonly string[];
  readonly #place: (host: string, port: number) => { readonly host: string; readonly port: number };
  readonly #options: { readonly timeoutMs: number; readonly tries: number };
  readonly #seen = new Map<string, Promise<Seen<unknown>>>();
  readonly #cuts = new Map<string, Promise<ZoneCut | undefined>>();
  readonly #recursive = new Map<string, Promise<readonly Said<unknown>[]>>();

  constructor(options: InquiryOptions = {}) {
    const { resolvers = systemServers(), place = (host, port) => ({ host, port }) } = options;
    this.resolvers = resolvers.slice(0, MAX_RESOLVERS);
    this.#place = place;
    this.#options = { timeoutMs: options.timeoutMs ?? 2000, tries: options.tries ?? 2 };
  }

  /** The records of one type, from both sides. */
  see<T extends DetailType>(name: string, type: T): Promise<Seen<DetailTypes[T]>> {
    const plain = plainName(name);
    return kept(this.#seen, `${type} ${plain}`, () => this.#look(plain, type)) as Promise<
      Seen<DetailTypes[T]>
    >;
  }

  /** The zone that a name lies in: the nearest name above it, or itself, that has servers. Undefined when nobody says. */
  zoneOf(name: string): Promise<ZoneCut | undefined> {
    const plain = plainName(name);
    return kept(this.#cuts, plain, () => this.#findCut(plain));
  }

  async #look<T extends DetailType>(name: string, type: T): Promise<Seen<DetailTypes[T]>> {
    const [resolvers, authorities] = await Promise.all([
      this.#askResolvers(name, type),
      this.#askAuthorities(name, type, MAX_HOPS),
    ]);
    const answered = [...authorities, ...resolvers].find(({ detail }) => detail.kind !== 'failed');
    const answer = (answered ?? authorities[0] ?? resolvers[0])?.detail ?? {
      kind: 'failed',
      cause: 'no DNS server is known',
    };
    return { name, type, authorities, resolvers, answer };
  }

  #askResolvers<T extends DetailType>(name: string, type: T): Promise<readonly Said<DetailTypes[T]>[]> {
    return kept(this.#recursive, `${type} ${name}`, () =>
      Promise.all(
        this.resolvers.map(async (server) => ({
          server,
          detail: await askServer(server, name, type, this.#options),
        })),
      ),
    ) as Promise<readonly Said<DetailTypes[T]>[]>;
  }

  async #askAuthorities<T extends DetailType>(
    name: string,
    type: T,
    hops: number,
  ): Promise<readonly Said<DetailTypes[T]>[]> {
    const cut = await this.zoneOf(name);
    if (cut === undefined) return [];
    return Promise.all(
      cut.servers.map(async ({ name: serverName, address }) => {
        const server = address === undefined ? serverName : `${serverName} (${address})`;
        if (address === undefined) return { server, detail: { kind: 'failed', cause: 'has no address' } };
        const detail = await askServer(this.#place(address, 53), name, type, {
          ...this.#options,
          authoritative: true,
        });
        return { server, detail: await this.#follow(detail, name, type, hops) };
      }),
    );
  }

  /** An alias into another zone is only followed by that zone's servers. */
  async #follow<T extends DetailType>(
    detail: Detail<DetailTypes[T]>,
    name: string,
    type: T,
    hops: number,
  ): Promise<Detail<DetailTypes[T]>> {
    if (detail.kind === 'failed' || detail.kind === 'found' || detail.end === name || hops === 0)
      return detail;
    const further = await this.#askAuthorities(detail.end, type, hops - 1);
    const found = further.find((one) => one.detail.kind !== 'failed')?.detail;
    if (found === undefined || found.kind === 'failed') return detail;
    return { ...found, aliases: [...detail.aliases, ...found.aliases] };
  }

  async #findCut(name: string): Promise<ZoneCut | undefined> {
    for (let origin = name; origin !== ''; origin = origin.slice(origin.indexOf('.') + 1 || origin.length)) {
      const said = await this.#askResolvers(origin, 'NS');
      // Where nobody answers, a parent's servers would not either: they only refer to the child's.
      if (said.every(({ detail }) => detail.kind === 'failed')) return undefined;
      const found = said.map(({ detail }) => detail).find(({ kind }) => kind === 'found');
      if (found?.kind !== 'found' || found.end !== origin) continue;
      const servers = await Promise.all(
        found.records.slice(0, MAX_SERVERS).map(async ({ value }) => ({
          name: value,
          address: (await this.#addressOf(value, 'A')) ?? (await this.#addressOf(value, 'AAAA')),
        })),
      );
      return { origin, servers };
    }
    return undefined;
  }

  async #addressOf(name: string, type: 'A' | 'AAAA'): Promise<string | undefined> {
    for (const { detail } of await this.#askResolvers(name, type))
      if (detail.kind === 'found') return detail.records[0]?.value;
    return undefined;
  }
}

function kept<T>(map: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  let found = map.get(key);
  if (found === undefined) {
    found = make();
    map.set(key, found);
  }
  return found;
}
