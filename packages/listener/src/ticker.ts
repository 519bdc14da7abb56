/** What is looked after once per tick. */
export interface Ticking {
  tick(now: number): void;
}

/**
 * One coarse clock for all connections of a listener: reading `now` costs nothing, so idle limits need
 * no timer per connection and none per packet.
 */
export class Ticker {
  /** Milliseconds, monotonic, as of the last tick. */
  now = performance.now();
  readonly #everyMs: number;
  readonly #items = new Set<Ticking>();
  #timer: NodeJS.Timeout | undefined;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  add(item: Ticking): void {
    this.#items.add(item);
    if (this.#timer !== undefined) return;
    this.now = performance.now();
    this.#timer = setInterval(() => this.#tick(), this.#everyMs).unref();
  }

  delete(item: Ticking): void {
    this.#items.delete(item);
    if (this.#items.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    this.now = performance.now();
    for (const item of this.#items) item.tick(this.now);
  }
}
