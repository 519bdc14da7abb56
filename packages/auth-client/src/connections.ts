import { buildConnector, Client } from 'undici';
import { type LookUp, type Place, Places, parseHostList } from './host-list.ts';

/**
 * Kept connections to the replicas of one service over mutual TLS. Every request goes to the least
 * busy replica; a connection is retired after a number of requests or a time, so that load follows
 * the replicas as they come and go.
 */
export interface Credentials {
  /** PEM of the authority that signed the server's certificate. */
  readonly ca: string;
  /** PEM of our own certificate, which says which agent we are, and its key. */
  readonly cert: string;
  readonly key: string;
}

export interface ConnectionsOptions extends Credentials {
  /** `host:port,host:port`. */
  readonly addresses: string;
  /** The name that the server's certificate must carry. */
  readonly serverName: string;
  /** Milliseconds after which names are resolved again. Default 5,000. */
  readonly resolveEveryMs?: number;
  /** A connection ends after this many requests. Default 100. */
  readonly maxRequests?: number;
  /** … or after this many milliseconds. Default 60,000. */
  readonly maxAgeMs?: number;
  /** Most connections to one replica. Default 16. */
  readonly maxConnections?: number;
  readonly lookUp?: LookUp;
}

export interface Reply {
  readonly status: number;
  /** The parsed JSON body; undefined when there was none, or something else. */
  readonly body: unknown;
}

/** How long a request may take, and how it may be repeated. */
export interface Patience {
  /** Milliseconds within which a request that was sent must be answered. */
  readonly answerMs: number;
  /** Moment (performance.now()) until which a service that cannot be reached is tried; once it is in any case. */
  readonly until: number;
  /**
   * Milliseconds for which one absence is waited for, whoever asks: what comes later is not held up in its turn.
   * No limit but `until` when not given.
   */
  readonly absenceMs?: number;
  /** How often it may be sent; default 3. A request may then arrive twice, and must bear that. */
  readonly attempts?: number;
  /** Whether it is sent again when no answer came in time; default true. False for what is costly to answer. */
  readonly afterSilence?: boolean;
}

interface Connection {
  readonly client: Client;
  readonly openedAt: number;
  served: number;
  inFlight: number;
  /** Whether the other side was ever reached: before that nothing can have been sent. */
  made: boolean;
}

interface Replica {
  readonly place: Place;
  readonly connections: Connection[];
  inFlight: number;
  /** Failures in a row. */
  troubles: number;
  /** Not asked before this moment: it just failed. */
  restsUntil: number;
}

/** How long a replica rests after n failures in a row, ms. */
const RESTS = [0, 100, 250, 500, 1000] as const;
/** A name that leads nowhere is looked up again after this, ms. */
const NOWHERE_MS = 250;
/** A connection is there after this, ms: the first where another replica could be asked, the second where none can. */
const CONNECT_MS = [1000, 3000] as const;
/** Troubles that lie further apart than this, ms, are of two absences. */
const ABSENCE_GAP_MS = 15_000;
/** Errors of requests that were surely not sent. */
const UNSENT: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** The same where the connection was not made: somebody between us and a service that is away took it, or it hangs. */
const UNMADE: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);
/** Answers are small; more than this is not one. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #places: Places;
  readonly #replicas = new Map<string, Replica>();
  #connectors: Connectors;
  #closed = false;
  /** Since when nobody has answered, and when that was last seen. */
  #absence: { readonly since: number; seenAt: number } | undefined;

  /** @throws Error when the list of addresses or the PEMs cannot be read */
  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#places = new Places(
      parseHostList(options.addresses),
      options.resolveEveryMs ?? 5000,
      options.lookUp,
    );
    this.#connectors = connectors(options.serverName, options);
  }

  /**
   * Sends one request and reads its answer. A replica that cannot be reached or falls silent is passed
   * over for another; while none can be reached it is tried again and again, as long as patience lasts:
   * so the restart of a service that has one replica is waited for.
   * @throws Error of the network, or that patience is at an end
   */
  async request(method: string, path: string, body: unknown, patience: Patience): Promise<Reply> {
    const { attempts = 3, afterSilence = true, absenceMs = Number.POSITIVE_INFINITY } = patience;
    const text = body === undefined ? null : JSON.stringify(body);
    let sent = 0;
    for (let cause: unknown; ;) {
      const now = performance.now();
      if (this.#closed) throw new Error('the client is closed');
      const until = Math.min(patience.until, (this.#absence?.since ?? now) + absenceMs);
      if (cause !== undefined && now >= until) throw cause;
      const known = this.#places.current(now);
      const places = known instanceof Promise ? await within(known, Math.max(until, now + 1)) : known;
      const replica = this.#leastBusy(places, now);
      if (replica === undefined || replica.restsUntil > now) {
        // The least busy one rests, so all do.
        cause ??= new Error(replica === undefined ? 'no address of auth is known' : 'auth cannot be reached');
        if (replica === undefined) this.#nobodyAnswered(now);
        await pause(Math.min(replica === undefined ? NOWHERE_MS : replica.restsUntil - now, until - now));
        continue;
      }
      try {
        const reply = await this.#ask(replica, method, path, text, patience.answerMs);
        if (!isClosing(reply)) {
          replica.troubles = 0;
          this.#absence = undefined;
          return reply;
        }
        cause = new Error('auth is closing');
      } catch (error) {
        cause = error instanceof Unsent ? error.cause : error;
        if (!(error instanceof Unsent)) {
          const silent = isSilence(error);
          if (++sent >= attempts || (silent && !afterSilence)) {
            this.#hadTrouble(replica);
            throw error;
          }
        }
      }
      this.#hadTrouble(replica);
    }
  }

  #hadTrouble(replica: Replica): void {
    const now = performance.now();
    this.#places.lookSoon(now);
    this.#nobodyAnswered(now);
    // What was under way together fails together: it counts once.
    if (replica.restsUntil > now) return;
    replica.troubles++;
    replica.restsUntil = now + (RESTS[Math.min(replica.troubles, RESTS.length - 1)] ?? 0);
  }

  #nobodyAnswered(now: number): void {
    const known = this.#absence;
    if (known !== undefined && now - known.seenAt <= ABSENCE_GAP_MS) known.seenAt = now;
    else this.#absence = { since: now, seenAt: now };
  }

  /** Uses other certificates for connections opened from now on, and retires the open ones. */
  renew(credentials: Credentials): void {
    this.#connectors = connectors(this.#options.serverName, credentials);
    for (const replica of this.#replicas.values())
      for (const connection of replica.connections.splice(0)) void close(connection);
  }

  /** Lets what is in flight end, then closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const open = [...this.#replicas.values()].flatMap((replica) => replica.connections);
    this.#replicas.clear();
    await Promise.all(open.map(close));
  }

  /** Open connections, for tests and gauges. */
  get size(): number {
    let count = 0;
    for (const replica of this.#replicas.values()) count += replica.connections.length;
    return count;
  }

  #leastBusy(places: readonly Place[], now: number): Replica | undefined {
    let best: Replica | undefined;
    let bestCost = Number.POSITIVE_INFINITY;
    let ties = 0;
    for (const place of places) {
      let replica = this.#replicas.get(place.key);
      if (replica === undefined) {
        replica = { place, connections: [], inFlight: 0, troubles: 0, restsUntil: 0 };
        this.#replicas.set(place.key, replica);
      }
      const cost = replica.inFlight + (replica.restsUntil > now ? 1_000_000 : 0);
      if (cost < bestCost) {
        best = replica;
        bestCost = cost;
        ties = 1;
      } else if (cost === bestCost && Math.random() * ++ties < 1) best = replica;
    }
    if (this.#replicas.size > places.length) this.#forget(places);
    return best;
  }

  /** Replicas whose address is gone from every name: no new request, their connections end. */
  #forget(places: readonly Place[]): void {
    const known = new Set(places.map((place) => place.key));
    for (const [key, replica] of this.#replicas) {
      if (known.has(key)) continue;
      this.#replicas.delete(key);
      for (const connection of replica.connections.splice(0)) void close(connection);
    }
  }

  async #ask(
    replica: Replica,
    method: string,
    path: string,
    text: string | null,
    answerMs: number,
  ): Promise<Reply> {
    const connection = this.#connection(replica);
    connection.served++;
    connection.inFlight++;
    replica.inFlight++;
    try {
      const answer = await connection.client.request({
        method,
        path,
        body: text,
        headers: text === null ? {} : { 'content-type': 'application/json' },
        signal: AbortSignal.timeout(Math.max(1, Math.ceil(answerMs))),
      });
      const received = await answer.body.text();
      return { status: answer.statusCode, body: parsed(received) };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const unsent = UNSENT.has(code) || (!connection.made && (UNMADE.has(code) || isSilence(error)));
      throw unsent ? new Unsent('the request was not sent', { cause: error }) : error;
    } finally {
      connection.inFlight--;
      replica.inFlight--;
    }
  }

  #othersAreWell(replica: Replica, now: number): boolean {
    for (const other of this.#replicas.values())
      if (other !== replica && other.restsUntil <= now && other.troubles === 0) return true;
    return false;
  }

  #connection(replica: Replica): Connection {
    const now = performance.now();
    const { maxRequests = 100, maxAgeMs = 60_000, maxConnections = 16 } = this.#options;
    let best: Connection | undefined;
    for (let i = replica.connections.length - 1; i >= 0; i--) {
      const connection = replica.connections[i]!;
      if (connection.served >= maxRequests || now - connection.openedAt >= maxAgeMs) {
        replica.connections.splice(i, 1);
        void close(connection);
      } else if (best === undefined || connection.inFlight < best.inFlight) best = connection;
    }
    if (best !== undefined && (best.inFlight === 0 || replica.connections.length >= maxConnections))
      return best;
    const client = new Client(`https://${replica.place.key}`, {
      connect: this.#othersAreWell(replica, now) ? this.#connectors.brisk : this.#connectors.patient,
      pipelining: 1,
      maxResponseSize: MAX_ANSWER_BYTES,
      // Shorter than the server's, so that it is we who close an idle connection.
      keepAliveTimeout: 30_000,
    });
    const connection = { client, openedAt: now, served: 0, inFlight: 0, made: false };
    client.once('connect', () => (connection.made = true));
    replica.connections.push(connection);
    return connection;
  }
}

/** Nobody has seen the request; `cause` is why. */
class Unsent extends Error {}

/** The time for the answer was over. */
function isSilence(error: unknown): boolean {
  return (error as Error).name === 'TimeoutError';
}

interface Connectors {
  readonly brisk: ReturnType<typeof buildConnector>;
  readonly patient: ReturnType<typeof buildConnector>;
}

function connectors(serverName: string, { ca, cert, key }: Credentials): Connectors {
  const [brisk, patient] = CONNECT_MS.map((timeout) =>
    buildConnector({
      ca,
      cert,
      key,
      servername: serverName,
      minVersion: 'TLSv1.2',
      allowH2: false,
      // A resumed session may belong to another replica, and saves little at 100 requests a connection.
      maxCachedSessions: 0,
      timeout,
    }),
  ) as [Connectors['brisk'], Connectors['patient']];
  return { brisk, patient };
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a server that closes says without having looked at the request: it may be sent to another. */
function isClosing({ status, body }: Reply): boolean {
  return status === 503 && (body as { statusCode?: unknown } | null | undefined)?.statusCode === 503;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(1, ms)));
}

/** @throws Error when the deadline passes first */
async function within<T>(work: Promise<T>, deadline: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const ms = Math.max(1, deadline - performance.now());
    timer = setTimeout(() => reject(new Error('the names of auth did not resolve in time')), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Ends a connection when what it carries has been answered. */
async function close(connection: Connection): Promise<void> {
  try {
    await connection.client.close();
  } catch {
    // It was broken already.
  }
}
