/**
 * The bounded queue in front of hashing: few at a time, and none that would wait too long. Who is
 * refused hears it at once, so a flood of logins costs its senders and nobody else.
 */
export class HashQueueFull extends Error {
  constructor() {
    super('too many passwords wait to be hashed');
    this.name = 'HashQueueFull';
  }
}

export interface HashQueueOptions {
  /** Jobs at a time. */
  readonly parallel: number;
  /** Milliseconds that a job may be expected to wait. */
  readonly maxWaitMs: number;
  /** Told how many milliseconds each job ran. */
  readonly onRun?: (ms: number) => void;
}

export class HashQueue {
  readonly #options: HashQueueOptions;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  /** What a job takes: a moving average, of which the first guess is a slow machine's. */
  #averageMs = 50;

  constructor(options: HashQueueOptions) {
    this.#options = options;
  }

  /** Jobs that wait. */
  get depth(): number {
    return this.#waiting.length;
  }

  /** Milliseconds that one more job would wait, judged by those before it. */
  expectedWaitMs(): number {
    const { parallel } = this.#options;
    if (this.#running < parallel) return 0;
    return ((this.#waiting.length + 1) / parallel) * this.#averageMs;
  }

  /** @throws HashQueueFull at once when the job would wait longer than allowed; else what the job throws */
  async run<T>(job: () => Promise<T>): Promise<T> {
    if (this.expectedWaitMs() > this.#options.maxWaitMs) throw new HashQueueFull();
    if (this.#running >= this.#options.parallel)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    const from = performance.now();
    try {
      return await job();
    } finally {
      const ms = performance.now() - from;
      this.#averageMs += (ms - this.#averageMs) * 0.1;
      this.#options.onRun?.(ms);
      const next = this.#waiting.shift();
      // The place is handed over, not given back and taken again.
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
