import type { Address, AddressList } from './address-list.ts';
import { Backend, type Opening } from './backend.ts';
import type { Transaction } from './commands.ts';
import { SmtpConnection } from './connection.ts';
import type { OpenOptions, OpenResult } from './open.ts';
import type { OpenFailure, RecipientOutcome } from './outcome.ts';

export interface LmtpPoolOptions {
  readonly addresses: AddressList;
  /** Everything but the address. */
  readonly open: Omit<OpenOptions, 'host' | 'port' | 'name'>;
  /** Connections per address; 20 when not given. */
  readonly connectionsPerAddress?: number;
  /** A connection takes no more than this many messages; 100 when not given. */
  readonly messagesPerConnection?: number;
  /** Nor any after this time, ms; 60,000 when not given. */
  readonly connectionMs?: number;
  /**
   * Whether what is still in hand 15 s after its address left the name is broken off; true when not given. False
   * where a message whose answer is lost may not be said again: there the timeouts alone decide.
   */
  readonly cutGone?: boolean;
}

/** What became of a transaction, and who answered. */
export interface PoolAnswer {
  readonly outcomes: readonly RecipientOutcome[];
  /** Undefined when no connection could be had. */
  readonly peer: SmtpConnection | undefined;
}

/** How often one message is offered, each time over another connection, while surely nobody took it. */
const TRIES = 3;

/**
 * Kept connections to the replicas of an inner service. A message goes to the least busy address and
 * there to an idle connection, else to a new one, else behind the least busy one. Connections retire
 * after some messages or some time: a new replica gets its share and a leaving one drains. An address that
 * had trouble gets no message while another is well; it is tried apart, and is back when it takes a connection.
 */
export class LmtpPool {
  readonly #options: LmtpPoolOptions;
  readonly #backends = new Map<string, Backend>();
  #known: readonly Address[] | undefined;
  #closed = false;

  constructor(options: LmtpPoolOptions) {
    this.#options = options;
  }

  /** Open connections, for metrics. */
  get connections(): number {
    let count = 0;
    for (const backend of this.#backends.values()) count += backend.connections.size;
    return count;
  }

  /** Never rejects. What surely was not taken over one connection is offered over others, three times in all. */
  async send(t: Transaction): Promise<PoolAnswer> {
    let answer = await this.#sendOnce(t, false);
    for (let tries = 1; tries < TRIES && !this.#closed; tries++) {
      if (answer.peer === undefined || !untaken(answer.outcomes)) break;
      answer = await this.#sendOnce(t, true);
    }
    return answer;
  }

  /** Finishes what is in hand and closes all connections. */
  close(): void {
    this.#closed = true;
    for (const backend of this.#backends.values()) for (const c of backend.connections) c.retire();
  }

  async #sendOnce(t: Transaction, fresh: boolean): Promise<PoolAnswer> {
    let failure: OpenFailure | undefined;
    let addresses: readonly Address[];
    try {
      addresses = this.#options.addresses.known ?? (await this.#options.addresses.addresses());
    } catch (error) {
      return unreachable(t, { phase: 'connect', cause: (error as Error).message });
    }
    this.#follow(addresses);
    for (const backend of this.#candidates()) {
      const kept = fresh ? undefined : this.#kept(backend);
      if (kept !== undefined) return { outcomes: await this.#said(backend, kept, t), peer: kept };
      const result = await this.#opened(backend);
      if (result.kind === 'open') {
        const { connection } = result;
        return { outcomes: await this.#said(backend, connection, t), peer: connection };
      }
      failure = result.failure;
    }
    return unreachable(t, failure ?? { phase: 'connect', cause: 'every address rests after failures' });
  }

  async #said(backend: Backend, connection: SmtpConnection, t: Transaction): Promise<RecipientOutcome[]> {
    const outcomes = await connection.send(t);
    if (outcomes.some(isTrouble)) {
      backend.hadTrouble();
      this.#options.addresses.lookSoon();
    }
    return outcomes;
  }

  /** Keeps one backend per address; those that are gone drain. */
  #follow(addresses: readonly Address[]): void {
    if (addresses === this.#known) return;
    this.#known = addresses;
    const wanted = new Set<string>();
    for (const address of addresses) {
      const key = keyOf(address);
      wanted.add(key);
      if (!this.#backends.has(key)) this.#backends.set(key, new Backend(address));
    }
    for (const [key, backend] of this.#backends) {
      if (wanted.has(key)) continue;
      this.#backends.delete(key);
      backend.leave(this.#options.cutGone ?? true);
    }
  }

  /** Whom to ask, best first: those that are well, the least busy first, then those whose rest is over. */
  #candidates(): Backend[] {
    const all = [...this.#backends.values()];
    if (all.length < 2) return all;
    const now = performance.now();
    const well = all.filter((backend) => backend.well);
    const rested = all.filter((backend) => !backend.well && !backend.rests(now));
    if (well.length === 0) return byLoad(rested.length > 0 ? rested : all);
    for (const backend of rested) this.#probe(backend);
    return [...byLoad(well), ...byLoad(rested)];
  }

  /** Tries a connection that no message waits for. */
  #probe(backend: Backend): void {
    if (backend.opening.size > 0) return;
    this.#begin(backend);
  }

  /** An idle connection, or the least busy one when no more may be opened. */
  #kept(backend: Backend): SmtpConnection | undefined {
    const now = performance.now();
    const oldest = now - (this.#options.connectionMs ?? 60_000);
    const most = this.#options.messagesPerConnection ?? 100;
    let best: SmtpConnection | undefined;
    for (const connection of backend.connections) {
      if (!connection.usable || connection.sent >= most || connection.openedAt < oldest) {
        backend.connections.delete(connection);
        connection.retire();
        continue;
      }
      if (connection.load === 0) return connection;
      if (best === undefined || connection.load < best.load) best = connection;
    }
    const room =
      backend.connections.size + backend.opening.size < (this.#options.connectionsPerAddress ?? 20);
    return room ? undefined : best;
  }

  /** A connection just opened: a new one, or the least awaited of those under way when there are enough. */
  async #opened(backend: Backend): Promise<OpenResult> {
    const full =
      backend.connections.size + backend.opening.size >= (this.#options.connectionsPerAddress ?? 20);
    const opening = (full ? backend.soonest : undefined) ?? this.#begin(backend);
    opening.waiting++;
    return opening.result;
  }

  #begin(backend: Backend): Opening {
    const begun = { result: this.#open(backend), waiting: 0 };
    backend.opening.add(begun);
    void begun.result.then(() => backend.opening.delete(begun));
    return begun;
  }

  async #open(backend: Backend): Promise<OpenResult> {
    const { host, port, name } = backend.address;
    const result = await SmtpConnection.open({ ...this.#options.open, host, port, name });
    if (result.kind === 'open') {
      backend.wentWell();
      // The pool may have closed, or the address gone from its name, while it was opened: it carries what waits, and no more.
      if (!this.#closed && this.#has(backend)) backend.connections.add(result.connection);
      else setImmediate(() => result.connection.retire());
    } else {
      backend.hadTrouble();
      this.#options.addresses.lookSoon();
    }
    return result;
  }

  #has(backend: Backend): boolean {
    return this.#backends.get(keyOf(backend.address)) === backend;
  }
}

function keyOf({ host, port }: Address): string {
  return `${host}|${port}`;
}

function byLoad(backends: readonly Backend[]): Backend[] {
  // Loads are read once: a comparison that changes while sorting would be none.
  return backends
    .map((backend) => ({ backend, load: backend.load + Math.random() / 2 }))
    .toSorted((a, b) => a.load - b.load)
    .map(({ backend }) => backend);
}

/** Nobody took the message: the connection broke before the dot, or the host said goodbye (RFC 5321 §3.8) instead. */
function untaken(outcomes: readonly RecipientOutcome[]): boolean {
  return outcomes.every((o) =>
    o.kind === 'lost' ? !o.unknown && !o.cause.startsWith('timeout') : isGoodbye(o),
  );
}

/** Tells of the host and not of the message. */
function isTrouble(o: RecipientOutcome): boolean {
  return o.kind === 'lost' ? o.cause.startsWith('timeout') : isGoodbye(o);
}

function isGoodbye(o: RecipientOutcome): boolean {
  return o.kind === 'replied' && o.reply.code === 421 && o.phase !== 'message';
}

function unreachable(t: Transaction, failure: OpenFailure): PoolAnswer {
  const outcome: RecipientOutcome =
    failure.reply === undefined
      ? { kind: 'lost', phase: failure.phase, unknown: false, cause: failure.cause }
      : { kind: 'replied', phase: failure.phase, reply: failure.reply };
  return { outcomes: t.recipients.map(() => outcome), peer: undefined };
}
