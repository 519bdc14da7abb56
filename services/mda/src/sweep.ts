/** Repeats the clearing away of what nobody needs: mda owns store, bodies and delivery ids. */

export interface SweepJob {
  readonly name: string;
  /** Answers how many things went; ends early when the signal says so. */
  readonly run: (stop: AbortSignal) => Promise<number>;
}

export interface SweepOptions {
  /** About how long between two rounds; each pause is between half and one and a half of it, so that replicas drift apart. */
  readonly everyMs: number;
  readonly jobs: readonly SweepJob[];
  readonly onSwept: (name: string, count: number) => void;
  readonly onTrouble: (name: string, error: unknown) => void;
}

/** Sweeps until disposed of, which waits for the job in hand. A job that fails stops no other. */
export class Sweeper implements AsyncDisposable {
  readonly #options: SweepOptions;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();

  constructor(options: SweepOptions) {
    this.#options = options;
    this.#schedule();
  }

  /** One round now; it never rejects. */
  async sweep(): Promise<void> {
    for (const { name, run } of this.#options.jobs) {
      if (this.#stop.signal.aborted) return;
      try {
        this.#options.onSwept(name, await run(this.#stop.signal));
      } catch (error) {
        this.#options.onTrouble(name, error);
      }
    }
  }

  #schedule(): void {
    if (this.#stop.signal.aborted) return;
    this.#timer = setTimeout(
      () => {
        this.#round = this.sweep().finally(() => this.#schedule());
      },
      this.#options.everyMs * (0.5 + Math.random()),
    );
    this.#timer.unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    await this.#round;
  }
}
