import pg from 'pg';

/**
 * The natural batcher: a batch is what waited while the last call ran. There is no timer, so a
 * lone item waits for nothing. A batch that fails as a whole is tried again item by item, so one
 * bad item hurts nobody else.
 */
export interface BatcherOptions<Item, Verdict> {
  /** Handles many items in one go and answers for each, in order. */
  readonly run: (items: readonly Item[]) => Promise<readonly Verdict[]>;
  /** Most items of one batch. */
  readonly limit?: number;
  /** Most octets of one batch, measured by `sizeOf`; a single larger item still goes, alone. */
  readonly maxBytes?: number;
  readonly sizeOf?: (item: Item) => number;
  /** Whether a failed batch may have failed for one item's sake; false rejects all at once (the server is away). */
  readonly retryEach?: (error: unknown) => boolean;
  /** Calls in flight at a time; more than one only where their order does not matter. */
  readonly parallel?: number;
}

interface Waiting<Item, Verdict> {
  readonly item: Item;
  readonly resolve: (verdict: Verdict) => void;
  readonly reject: (error: unknown) => void;
}

export class Batcher<Item, Verdict> {
  readonly #options: BatcherOptions<Item, Verdict>;
  readonly #limit: number;
  readonly #parallel: number;
  #waiting: Waiting<Item, Verdict>[] = [];
  #running = 0;
  #idle: (() => void)[] = [];

  constructor(options: BatcherOptions<Item, Verdict>) {
    this.#options = options;
    this.#limit = options.limit ?? 50;
    this.#parallel = options.parallel ?? 1;
  }

  /** Items that wait for a call. */
  get depth(): number {
    return this.#waiting.length;
  }

  /** Adds an item; resolves with its own verdict, rejects with its own error. */
  add(item: Item): Promise<Verdict> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      // One turn of the event loop gathers what the same read brought in.
      if (this.#running < this.#parallel && this.#waiting.length === 1) setImmediate(() => this.#next());
    });
  }

  /** Resolves when nothing waits and nothing runs. */
  async drain(): Promise<void> {
    if (this.#running === 0 && this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #take(): Waiting<Item, Verdict>[] {
    const { sizeOf, maxBytes } = this.#options;
    let count = Math.min(this.#limit, this.#waiting.length);
    if (sizeOf !== undefined && maxBytes !== undefined) {
      let bytes = 0;
      for (let i = 0; i < count; i++) {
        bytes += sizeOf(this.#waiting[i]!.item);
        if (bytes > maxBytes && i > 0) count = i;
      }
    }
    return this.#waiting.splice(0, count);
  }

  #next(): void {
    while (this.#running < this.#parallel && this.#waiting.length > 0) {
      const batch = this.#take();
      this.#running++;
      void this.#run(batch).finally(() => {
        this.#running--;
        this.#next();
        if (this.#running === 0 && this.#waiting.length === 0)
          for (const idle of this.#idle.splice(0)) idle();
      });
    }
  }

  async #run(batch: readonly Waiting<Item, Verdict>[]): Promise<void> {
    try {
      const verdicts = await this.#options.run(batch.map((waiting) => waiting.item));
      if (verdicts.length !== batch.length)
        throw new Error(`a batch of ${batch.length} got ${verdicts.length} verdicts`);
      batch.forEach((waiting, i) => waiting.resolve(verdicts[i]!));
    } catch (error) {
      const retryEach = this.#options.retryEach ?? isItemFault;
      if (batch.length > 1 && retryEach(error)) await this.#oneByOne(batch);
      else for (const waiting of batch) waiting.reject(error);
    }
  }

  async #oneByOne(batch: readonly Waiting<Item, Verdict>[]): Promise<void> {
    for (const waiting of batch) {
      try {
        const [verdict] = await this.#options.run([waiting.item]);
        waiting.resolve(verdict as Verdict);
      } catch (error) {
        waiting.reject(error);
      }
    }
  }
}

/** A fault that Postgres itself reported about the statement, not one of the connection or the server's state. */
export function isItemFault(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return false;
  // SQLSTATE classes 08 connection, 53 resources, 57 operator intervention, 58 system error.
  return !/^(08|53|57|58)/.test(error.code ?? '');
}
