/** Octets that have come and were not worked on yet. */
export class Inbox {
  /** The chunk in work; undefined when there is nothing. */
  chunk: Buffer | undefined;
  /** Where the next octet stands in it. */
  at = 0;
  /** Octets in the chunks behind it. */
  waiting = 0;
  readonly #queue: Buffer[] = [];

  push(chunk: Buffer): void {
    if (this.chunk === undefined) {
      this.chunk = chunk;
      this.at = 0;
    } else {
      this.#queue.push(chunk);
      this.waiting += chunk.length;
    }
  }

  /** Octets up to `next` were used; -1 means all of the chunk. */
  advance(next: number): void {
    this.at = next === -1 ? (this.chunk?.length ?? 0) : next;
  }

  /** Goes to the next chunk when this one is used up. */
  settle(): void {
    if (this.chunk === undefined || this.at < this.chunk.length) return;
    this.chunk = this.#queue.shift();
    this.waiting -= this.chunk?.length ?? 0;
    this.at = 0;
  }

  /** Pieces that wait. */
  get chunks(): number {
    return this.#queue.length;
  }

  /** Whether anything stands behind what was used. */
  get more(): boolean {
    return this.#queue.length > 0 || this.at < (this.chunk?.length ?? 0);
  }

  clear(): void {
    this.chunk = undefined;
    this.#queue.length = 0;
    this.waiting = 0;
  }
}
