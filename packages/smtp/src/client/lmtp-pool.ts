import type { Address, AddressList } from './address-list.ts';
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
}

/** What became of a transaction, and who answered. */
export interface PoolAnswer {
  readonly outcomes: readonly RecipientOutcome[];
  /** Undefined when no connection could be had. */
  readonly peer: SmtpConnection | undefined;
}

/** One address with its connections. */
class Backend {
  readonly address: Address;
  readonly connections = new Set<SmtpConnection>();
  /** Connections being opened, with the number of transactions that wait for each. */
  readonly opening = new Set<{ readonly result: Promise<OpenResult>; waiting: number }>();
  failures = 0;
  /** After a failed opening the address rests until then. */
  restsUntil = 0;

  constructor(address: Address) {
    this.address = address;
  }

  get load(): number {
    let load = 0;
    for (const opening of this.opening) load += opening.waiting;
    for (const connection of this.connections) load += connection.load;
    return load;
  }
}

/** How long an address rests after n failures in a row, ms. */
const RESTS = [0, 100, 500, 1000, 2000, 5000];

/**
 * Kept connections to the replicas of an inner service. A message goes to the least busy address and
 * there to an idle connection, else to a new one, else behind the least busy one. Connections retire
 * after some messages or some time: a new replica gets its share and a leaving one drains.
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

  /** Never rejects. What surely was not taken by one connection is tried once more over a new one. */
  async send(t: Transaction): Promise<PoolAnswer> {
    const first = await this.#sendOnce(t, false);
    return untaken(first.outcomes) && first.peer !== undefined && !this.#closed
      ? this.#sendOnce(t, true)
      : first;
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
    for (const backend of this.#byLoad()) {
      const now = performance.now();
      if (backend.restsUntil > now && failure === undefined && this.#backends.size > 1) {
        // Another address may be well; when none is, the loop below has tried them all.
        if (this.#anyRested(now)) continue;
      }
      const kept = fresh ? undefined : this.#kept(backend);
      if (kept !== undefined) return { outcomes: await kept.send(t), peer: kept };
      const result = await this.#opened(backend);
      if (result.kind === 'open')
        return { outcomes: await result.connection.send(t), peer: result.connection };
      failure = result.failure;
    }
    return unreachable(t, failure ?? { phase: 'connect', cause: 'every address rests after failures' });
  }

  #anyRested(now: number): boolean {
    for (const backend of this.#backends.values()) if (backend.restsUntil <= now) return true;
    return false;
  }

  /** Keeps one backend per address; those that are gone drain. */
  #follow(addresses: readonly Address[]): void {
    if (addresses === this.#known) return;
    this.#known = addresses;
    const wanted = new Set<string>();
    for (const address of addresses) {
      const key = `${address.host}|${address.port}`;
      wanted.add(key);
      if (!this.#backends.has(key)) this.#backends.set(key, new Backend(address));
    }
    for (const [key, backend] of this.#backends) {
      if (wanted.has(key)) continue;
      this.#backends.delete(key);
      for (const connection of backend.connections) connection.retire();
    }
  }

  #byLoad(): Backend[] {
    const all = [...this.#backends.values()];
    if (all.length < 2) return all;
    // Loads are read once: a comparison that changes while sorting would be none.
    return all
      .map((backend) => ({ backend, load: backend.load + Math.random() / 2 }))
      .toSorted((a, b) => a.load - b.load)
      .map(({ backend }) => backend);
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
    let opening: { readonly result: Promise<OpenResult>; waiting: number } | undefined;
    if (backend.connections.size + backend.opening.size >= (this.#options.connectionsPerAddress ?? 20))
      for (const one of backend.opening)
        if (opening === undefined || one.waiting < opening.waiting) opening = one;
    if (opening === undefined) {
      const begun = { result: this.#open(backend), waiting: 0 };
      backend.opening.add(begun);
      void begun.result.then(() => backend.opening.delete(begun));
      opening = begun;
    }
    opening.waiting++;
    return opening.result;
  }

  async #open(backend: Backend): Promise<OpenResult> {
    const { host, port, name } = backend.address;
    const result = await SmtpConnection.open({ ...this.#options.open, host, port, name });
    if (result.kind === 'open') {
      backend.failures = 0;
      backend.restsUntil = 0;
      if (this.#closed) result.connection.retire();
      else backend.connections.add(result.connection);
    } else {
      backend.failures++;
      const rest = RESTS[Math.min(backend.failures, RESTS.length - 1)] ?? 0;
      backend.restsUntil = performance.now() + rest;
    }
    return result;
  }
}

function untaken(outcomes: readonly RecipientOutcome[]): boolean {
  return outcomes.every((o) => o.kind === 'lost' && !o.unknown && !o.cause.startsWith('timeout'));
}

function unreachable(t: Transaction, failure: OpenFailure): PoolAnswer {
  const outcome: RecipientOutcome =
    failure.reply === undefined
      ? { kind: 'lost', phase: failure.phase, unknown: false, cause: failure.cause }
      : { kind: 'replied', phase: failure.phase, reply: failure.reply };
  return { outcomes: t.recipients.map(() => outcome), peer: undefined };
}
