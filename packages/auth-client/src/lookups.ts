/**
 * Look-ups by key: a short cache in front, one request for identical keys, and one batch for what
 * waits. A batch is what came in during one turn of the event loop, or while the calls allowed at
 * a time were running; there is no timer.
 */
export interface LookupsOptions<Answer> {
  /** Answers for many keys in order. Must not reject; trouble is an answer that `lifeMs` gives no life. */
  readonly run: (keys: readonly string[], until: number) => Promise<readonly Answer[]>;
  /** Milliseconds for which an answer may be repeated; 0 or less: not at all. */
  readonly lifeMs: (answer: Answer) => number;
  /** Milliseconds for which `run` may wait for somebody to ask, counted from the first key that waits. */
  readonly patienceMs: number;
  /** Most keys of one batch. */
  readonly batch: number;
  /** Most answers kept; the one unused for longest goes first. Default 10,000. */
  readonly entries?: number;
  /** Batches in flight at a time. Default 4. */
  readonly parallel?: number;
}

interface Kept<Answer> {
  readonly answer: Answer;
  readonly until: number;
}

interface Waiting<Answer> {
  readonly key: string;
  readonly since: number;
  readonly resolve: (answer: Answer) => void;
}

export class Lookups<Answer> {
  readonly #options: LookupsOptions<Answer>;
  readonly #kept = new Map<string, Kept<Answer>>();
  readonly #asked = new Map<string, Promise<Answer>>();
  #waiting: Waiting<Answer>[] = [];
  #running = 0;
  #scheduled = false;

  constructor(options: LookupsOptions<Answer>) {
    this.#options = options;
  }

  /** The kept answer at once, or a promise of one. */
  get(key: string): Answer | Promise<Answer> {
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      if (kept.until > performance.now()) {
        // A Map keeps insertion order: the first entry is the one unused for longest.
        this.#kept.delete(key);
        this.#kept.set(key, kept);
        return kept.answer;
      }
      this.#kept.delete(key);
    }
    return this.#asked.get(key) ?? this.#ask(key);
  }

  /** Answers kept now. */
  get size(): number {
    return this.#kept.size;
  }

  #ask(key: string): Promise<Answer> {
    const asked = new Promise<Answer>((resolve) => {
      this.#waiting.push({ key, since: performance.now(), resolve });
    });
    this.#asked.set(key, asked);
    if (!this.#scheduled && this.#running < (this.#options.parallel ?? 4)) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#next();
      });
    }
    return asked;
  }

  #next(): void {
    while (this.#waiting.length > 0 && this.#running < (this.#options.parallel ?? 4)) {
      const batch = this.#waiting.splice(0, this.#options.batch);
      this.#running++;
      void this.#run(batch).finally(() => {
        this.#running--;
        this.#next();
      });
    }
  }

  async #run(batch: readonly Waiting<Answer>[]): Promise<void> {
    const keys = batch.map((waiting) => waiting.key);
    const answers = await this.#options.run(keys, batch[0]!.since + this.#options.patienceMs);
    const now = performance.now();
    batch.forEach(({ key, resolve }, i) => {
      const answer = answers[i]!;
      this.#asked.delete(key);
      const life = this.#options.lifeMs(answer);
      if (life > 0) this.#keep(key, { answer, until: now + life });
      resolve(answer);
    });
  }

  #keep(key: string, kept: Kept<Answer>): void {
    this.#kept.set(key, kept);
    if (this.#kept.size <= (this.#options.entries ?? 10_000)) return;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }
}
