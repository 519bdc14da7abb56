import { setTimeout as pause } from 'node:timers/promises';
import type { SpoolUpkeep } from '@waybill/spool';
import type { Events } from '../events.ts';

export interface ReconcileOptions {
  readonly upkeep: SpoolUpkeep;
  readonly events: Events;
  readonly run: (destination: string) => Promise<void>;
  /** Hourly work besides: the journey's partitions. */
  readonly hourly: () => Promise<void>;
  /** What is done every minute besides: DKIM keys are moved on. */
  readonly minutely: () => Promise<void>;
  /** Between two looks at what is due, at most, ms; 5,000 when not given. */
  readonly lookMs?: number;
}

/** The shortest pause between two looks at what is due, ms: a destination left alone stays due. */
const SHORTEST = 200;
const REAP = 5000;
const SWEEP = 60_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
/** Destinations of one look. */
const PAGE = 1000;

/**
 * What runs on every replica besides kicks: it starts what is due and was not kicked, or whose time
 * has come; takes back leases of the dead; deletes what is finished. The way back after a loss is
 * the normal way, so it is used all the time. All pauses are stretched at random, so replicas do not march in step.
 */
export class Reconciler implements AsyncDisposable {
  readonly #options: ReconcileOptions;
  readonly #stopped = new AbortController();
  readonly #loops: Promise<void>[];

  constructor(options: ReconcileOptions) {
    this.#options = options;
    const { upkeep, events } = options;
    this.#loops = [
      this.#repeat('looking for what is due', () => this.#look()),
      this.#repeat('reaping leases', async () => {
        this.#start(await upkeep.reap(), 'reap');
        return REAP;
      }),
      this.#repeat('sweeping the spool', async () => {
        events.swept('messages', await upkeep.sweep());
        return SWEEP;
      }),
      this.#repeat('moving DKIM keys on', async () => {
        await options.minutely();
        return MINUTE;
      }),
      this.#repeat('the journey’s partitions', async () => {
        await options.hourly();
        return HOUR;
      }),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#loops);
  }

  /** Starts what is due; answers when to look again. */
  async #look(): Promise<number> {
    const { upkeep, lookMs } = this.#options;
    this.#start(await upkeep.dueDestinations(PAGE), 'due');
    return Math.max(SHORTEST, await upkeep.nextDueMs(lookMs ?? 5000));
  }

  #start(destinations: readonly string[], from: 'due' | 'reap'): void {
    for (const destination of destinations) {
      this.#options.events.kicked(from);
      void this.#options.run(destination);
    }
  }

  async #repeat(what: string, work: () => Promise<number>): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      let pauseMs = 1000;
      try {
        pauseMs = await work();
      } catch (error) {
        this.#options.events.trouble(what, error);
      }
      const { signal } = this.#stopped;
      await pause(pauseMs * (1 + Math.random() / 5), undefined, { signal }).catch(() => undefined);
    }
  }
}
