import type { Kicker, KickWorker } from './contract.ts';
import { type KickQueue, type KickRun, type KickWhere, openKickQueue, runKicks } from './kick-backend.ts';

/**
 * Kicks wake the mta for a destination. They carry no mail and may be lost; a reconciler over the
 * spool repeats them. So nothing here waits, throws, retries or grows.
 */
export { type KickWhere, migrateKicks } from './kick-backend.ts';

/** At most one kick per destination in this many milliseconds reaches the backend. */
const INTERVAL_MS = 50;
/** Kicks under way to the backend; more are dropped. */
const MAX_IN_FLIGHT = 1000;
/** Destinations remembered for the interval; more are dropped. */
const MAX_REMEMBERED = 10_000;
/** A queue whose first contact failed is opened anew after this long. */
const REOPEN_MS = 1000;

export interface KickFigures {
  /** Kicks that reached the backend, that the interval swallowed, and that were lost. */
  sent: number;
  merged: number;
  dropped: number;
  /** Errors of the backend's connections. */
  errors: number;
}

/** Says when a destination may be kicked; the last kick of a burst is sent when its interval is over. */
export class KickLimiter {
  readonly #send: (destination: string) => void;
  readonly #recent = new Map<string, { sentAt: number; again: boolean }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (destination: string) => void) {
    this.#send = send;
  }

  /** @returns whether it was sent, merged into one still to be sent, or dropped for want of room */
  kick(destination: string): 'sent' | 'merged' | 'dropped' {
    const known = this.#recent.get(destination);
    if (known !== undefined) {
      known.again = true;
      return 'merged';
    }
    if (this.#recent.size >= MAX_REMEMBERED) return 'dropped';
    this.#recent.set(destination, { sentAt: performance.now(), again: false });
    this.#timer ??= setTimeout(() => this.#tick(), INTERVAL_MS).unref();
    this.#send(destination);
    return 'sent';
  }

  /** Sends what still waits for its interval, at once. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [destination, state] of this.#recent) if (state.again) this.#send(destination);
    this.#recent.clear();
  }

  #tick(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const [destination, state] of this.#recent) {
      if (now - state.sentAt < INTERVAL_MS) continue;
      if (state.again) {
        state.again = false;
        state.sentAt = now;
        this.#send(destination);
      } else this.#recent.delete(destination);
    }
    if (this.#recent.size > 0) this.#timer = setTimeout(() => this.#tick(), INTERVAL_MS / 2).unref();
  }
}

/** Opens the producer's side. It connects by itself, and again after every loss. */
export function openKicker(where: KickWhere): Kicker & { readonly figures: Readonly<KickFigures> } {
  const figures: KickFigures = { sent: 0, merged: 0, dropped: 0, errors: 0 };
  const inFlight = new Set<Promise<void>>();
  let queue: KickQueue | undefined;
  let openedAt = -Infinity;
  let closed = false;
  const onError = (): void => {
    figures.errors++;
  };
  const current = (): KickQueue => {
    if (queue === undefined) {
      openedAt = performance.now();
      queue = openKickQueue(where, onError);
    }
    return queue;
  };
  /** Over Postgres a queue that failed its first contact never recovers: it is replaced. */
  const replace = (failed: KickQueue): void => {
    if (where.backend !== 'postgres' || queue !== failed || performance.now() - openedAt < REOPEN_MS) return;
    queue = undefined;
    void failed.close().catch(onError);
  };
  const send = (destination: string): void => {
    if (inFlight.size >= MAX_IN_FLIGHT) {
      figures.dropped++;
      return;
    }
    const through = current();
    const sending = through.add(destination).then(
      () => {
        figures.sent++;
      },
      () => {
        figures.dropped++;
        replace(through);
      },
    );
    inFlight.add(sending);
    void sending.finally(() => inFlight.delete(sending));
  };
  const limiter = new KickLimiter(send);
  current();
  return {
    figures,
    kick(destination) {
      if (closed) return;
      const verdict = limiter.kick(destination);
      if (verdict === 'merged') figures.merged++;
      else if (verdict === 'dropped') figures.dropped++;
    },
    async close() {
      if (closed) return;
      closed = true;
      limiter.flush();
      await settled(inFlight, 1000);
      await queue?.close().catch(onError);
    },
  };
}

/** Waits for what is under way, but not for a server that is away. */
async function settled(inFlight: ReadonlySet<Promise<void>>, patienceMs: number): Promise<void> {
  if (inFlight.size === 0) return;
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, patienceMs)));
  await Promise.race([Promise.all(inFlight), patience]);
  clearTimeout(timer);
}

export interface KickWorkerOptions {
  /** Destinations worked on at a time. */
  readonly concurrency: number;
  /** Called with what a handler threw: a kick is never tried again for it. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Calls `handler` for kicked destinations, never twice at a time for one destination through kicks
 * alone; a kick that comes while it runs makes it run again. Starts by itself, and again after
 * every loss of the server.
 */
export function startKickWorker(
  where: KickWhere,
  options: KickWorkerOptions,
  handler: (destination: string) => Promise<void>,
): KickWorker {
  let run: KickRun | undefined;
  let closed = false;
  let wake: (() => void) | undefined;
  const quiet = (): void => undefined;
  const handle = async (destination: string): Promise<void> => {
    try {
      await handler(destination);
    } catch (error) {
      options.onError?.(error);
    }
  };
  const keepRunning = async (): Promise<void> => {
    while (!closed) {
      run = runKicks(where, options.concurrency, handle, quiet);
      await run.ended.catch(quiet);
      await run.close().catch(quiet);
      if (closed) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, REOPEN_MS);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  const running = keepRunning();
  return {
    async close() {
      closed = true;
      wake?.();
      await run?.close().catch(quiet);
      await running;
    },
  };
}
