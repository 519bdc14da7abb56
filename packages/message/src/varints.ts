/** Octets and unsigned LEB128 numbers up to 2^53, written to and read from one buffer. */

export class Writer {
  #buffer: Buffer;
  #at = 0;

  constructor(expected: number) {
    this.#buffer = Buffer.allocUnsafe(Math.max(64, expected));
  }

  octet(value: number): void {
    this.#room(1);
    this.#buffer[this.#at++] = value;
  }

  number(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= 128) {
      this.#buffer[this.#at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#at++] = rest;
  }

  octets(value: Buffer): void {
    this.#room(value.length);
    value.copy(this.#buffer, this.#at);
    this.#at += value.length;
  }

  /** Length and latin1 octets. */
  text(value: string): void {
    this.number(value.length);
    this.#room(value.length);
    this.#at += this.#buffer.write(value, this.#at, 'latin1');
  }

  done(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  #room(octets: number): void {
    if (this.#at + octets <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe((this.#at + octets) * 2);
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

/** Throws RangeError when the buffer ends too soon. */
export class Reader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  octet(): number {
    const value = this.#buffer[this.#at++];
    if (value === undefined) throw new RangeError('stored summary is cut short');
    return value;
  }

  number(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const octet = this.octet();
      value += (octet & 127) * scale;
      if (octet < 128) return value;
      scale *= 128;
      if (scale > 2 ** 49) throw new RangeError('stored summary holds a number that is too large');
    }
  }

  /** A view of the next octets. */
  octets(length: number): Buffer {
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#buffer.length) throw new RangeError('stored summary is cut short');
    return this.#buffer.subarray(start, this.#at);
  }

  text(): string {
    return this.octets(this.number()).toString('latin1');
  }
}
