/** Octets that may wait while a command is worked on; then the client is not read any more. */
const READ_AHEAD = 131_072;
/** Neither may more pieces, however small: each costs more than the octets in it. */
const PIECES_AHEAD = 128;

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

  /** No more should be read for now. */
  get full(): boolean {
    return this.waiting > READ_AHEAD || this.#queue.length > PIECES_AHEAD;
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
