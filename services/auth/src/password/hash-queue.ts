/**
 * The bounded queue in front of hashing: few at a time, and none that would wait too long. Who is
 * refused hears it at once, so a flood of logins costs its senders and nobody else: whoever has failed
 * before stands in the back lane, of which one is taken for every four of the front, and which is
 * allowed half of the wait.
 */
export class HashQueueFull extends Error {
  constructor() {
    super('too many passwords wait to be hashed');
    this.name = 'HashQueueFull';
  }
}

export type Lane = 'front' | 'back';

export interface HashQueueOptions {
  /** Jobs at a time. */
  readonly parallel: number;
  /** Milliseconds that a job may be expected to wait. */
  readonly maxWaitMs: number;
  /** Told how many milliseconds each job ran. */
  readonly onRun?: (ms: number) => void;
}

/** So many from the front for one from the back, while both wait. */
const FRONT_PER_BACK = 4;

export class HashQueue {
  readonly #options: HashQueueOptions;
  readonly #front: (() => void)[] = [];
  readonly #back: (() => void)[] = [];
  #running = 0;
  #turn = 0;
  /** What a job takes: a moving average, of which the first guess is a slow machine's. */
  #averageMs = 50;

  constructor(options: HashQueueOptions) {
    this.#options = options;
  }

  /** Jobs that wait. */
  get depth(): number {
    return this.#front.length + this.#back.length;
  }

  /** Milliseconds that one more job would wait, judged by those before it. */
  expectedWaitMs(lane: Lane = 'front'): number {
    const { parallel } = this.#options;
    if (this.#running < parallel) return 0;
    const before =
      lane === 'front'
        ? this.#front.length + Math.min(this.#back.length, this.#front.length / FRONT_PER_BACK)
        : this.#back.length + Math.min(this.#front.length, this.#back.length * FRONT_PER_BACK);
    return ((before + 1) / parallel) * this.#averageMs;
  }

  /** @throws HashQueueFull at once when the job would wait longer than allowed; else what the job throws */
  async run<T>(job: () => Promise<T>, lane: Lane = 'front'): Promise<T> {
    const allowed = this.#options.maxWaitMs / (lane === 'front' ? 1 : 2);
    if (this.expectedWaitMs(lane) > allowed) throw new HashQueueFull();
    if (this.#running >= this.#options.parallel)
      await new Promise<void>((resolve) => (lane === 'front' ? this.#front : this.#back).push(resolve));
    else this.#running++;
    const from = performance.now();
    try {
      return await job();
    } finally {
      const ms = performance.now() - from;
      this.#averageMs += (ms - this.#averageMs) * 0.1;
      this.#options.onRun?.(ms);
      const next = this.#next();
      // The place is handed over, not given back and taken again.
      if (next === undefined) this.#running--;
      else next();
    }
  }

  #next(): (() => void) | undefined {
    const backFirst = ++this.#turn % (FRONT_PER_BACK + 1) === 0;
    return backFirst
      ? (this.#back.shift() ?? this.#front.shift())
      : (this.#front.shift() ?? this.#back.shift());
  }
}
