/** Octets to lines, bounded: the framing of RFC 1939 §3. The same lines however the octets are cut, in linear time. */

/** RFC 5034 §4: the responses of AUTH may be far longer than a command; SASL sets no limit, we do. */
const MAX_LINE = 12_288;
/** An overlong line is read over up to here, then the connection is given up. */
const MAX_SKIPPED = 65_536;

const LF = 0x0a;
const CR = 0x0d;

/** A line without its CRLF, or what is wrong with it. After 'endless' nothing more comes. */
export type Line = Buffer | 'too-long' | 'no-crlf' | 'endless';

export class LineReader {
  #chunks: Buffer[] = [];
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  #buffered = 0;
  /** The head of a line whose end has not come; allocated when a line first arrives in pieces. */
  #partial: Buffer | undefined;
  #partialLength = 0;
  #skipped = 0;
  #endless = false;

  /** Octets that no line has used yet. */
  get buffered(): number {
    return this.#buffered + this.#partialLength;
  }

  /** Takes a chunk without a copy. */
  feed(chunk: Buffer): void {
    if (this.#endless || chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
  }

  /** The next line; null until more octets are fed. */
  next(): Line | null {
    while (this.#at < this.#chunk.length || this.#useNextChunk()) {
      const lf = this.#chunk.indexOf(LF, this.#at);
      const end = lf === -1 ? this.#chunk.length : lf + 1;
      const octets = this.#chunk.subarray(this.#at, end);
      this.#at = end;
      this.#buffered -= octets.length;
      const line = this.#add(octets, lf !== -1);
      if (line !== null) return line;
    }
    return null;
  }

  #add(octets: Buffer, complete: boolean): Line | null {
    if (this.#skipped > 0 || this.#partialLength + octets.length > MAX_LINE)
      return this.#skip(octets, complete);
    if (complete && this.#partialLength === 0) return ended(octets);
    this.#partial ??= Buffer.allocUnsafe(MAX_LINE);
    octets.copy(this.#partial, this.#partialLength);
    this.#partialLength += octets.length;
    if (!complete) return null;
    const line = this.#partial.subarray(0, this.#partialLength);
    this.#partial = undefined;
    this.#partialLength = 0;
    return ended(line);
  }

  #skip(octets: Buffer, complete: boolean): Line | null {
    this.#skipped += this.#partialLength + octets.length;
    this.#partialLength = 0;
    if (this.#skipped > MAX_SKIPPED) {
      this.#endless = true;
      this.#chunks = [];
      this.#chunk = Buffer.alloc(0);
      this.#at = 0;
      this.#buffered = 0;
      return 'endless';
    }
    if (!complete) return null;
    this.#skipped = 0;
    return 'too-long';
  }

  #useNextChunk(): boolean {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return false;
    this.#chunk = chunk;
    this.#at = 0;
    return true;
  }
}

function ended(line: Buffer): Line {
  // RFC 1939 §3: lines end in CRLF, nothing less.
  return line[line.length - 2] === CR ? line.subarray(0, -2) : 'no-crlf';
}
