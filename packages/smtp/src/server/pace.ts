import type { Limits, Timers } from './options.ts';

/** What is looked at once per tick. */
export interface Moment {
  readonly now: number;
  readonly lastActivity: number;
  readonly helloSaid: boolean;
  /** Octets of the message that is coming in, if one is. */
  readonly received: number | undefined;
}

/** Says when a client was too slow. */
export class Pace {
  readonly #timers: Timers;
  readonly #minimumRate: number;
  readonly #began: number;
  #windowBegan = 0;
  #windowOctets = 0;

  constructor(timers: Timers, limits: Limits, now: number) {
    this.#timers = timers;
    this.#minimumRate = limits.minimumRate;
    this.#began = now;
  }

  /** A message begins. */
  startMessage(now: number): void {
    this.#windowBegan = now;
    this.#windowOctets = 0;
  }

  /** Why the conversation should end now, or undefined. */
  complaint(moment: Moment): string | undefined {
    const { now, lastActivity, helloSaid, received } = moment;
    const { total, idle, hello, rateWindow } = this.#timers;
    if (now - this.#began >= total) return 'the session takes too long';
    if (now - lastActivity >= (helloSaid ? idle : Math.min(hello, idle))) return 'idle for too long';
    if (received === undefined || now - this.#windowBegan < rateWindow) return undefined;
    const wanted = (this.#minimumRate * (now - this.#windowBegan)) / 1000;
    if (received - this.#windowOctets < wanted) return 'the message comes too slowly';
    this.#windowBegan = now;
    this.#windowOctets = received;
    return undefined;
  }
}
