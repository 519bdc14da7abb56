/** Gathers octets that arrive in pieces of any size; the work is linear in the octets, not in the pieces. */
export class OctetGatherer {
  #room: Buffer = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Appends source[start, end). Never reserves room beyond `limit` octets in all. */
  add(source: Buffer, start: number, end: number, limit: number): void {
    const needed = this.#length + (end - start);
    if (needed > this.#room.length) {
      const size = Math.max(needed, Math.min(limit, Math.max(256, this.#room.length * 2)));
      const room = Buffer.allocUnsafe(size);
      this.#room.copy(room, 0, 0, this.#length);
      this.#room = room;
    }
    source.copy(this.#room, this.#length, start, end);
    this.#length = needed;
  }

  /** What is gathered so far; valid until the next call. */
  peek(): Buffer {
    return this.#room.subarray(0, this.#length);
  }

  /** What was gathered; the gatherer is empty again and keeps no hold of it. */
  take(): Buffer {
    const taken = this.peek();
    this.#room = Buffer.alloc(0);
    this.#length = 0;
    return taken;
  }
}
