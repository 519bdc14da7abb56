/**
 * Collects the octets of responses. Short pieces are joined as text and turned to octets in one go; large
 * buffers are passed on without a copy.
 */
import { isQuotable, literalPrefix, quoted } from './string.ts';

/** Buffers up to this size are cheaper to copy than to send apart. */
const COPIED = 2_048;
/** Text is turned to octets when it is this long, so that a long answer is many modest buffers. */
const FLUSHED = 32_768;

export class ResponseBuilder {
  #text = '';
  #chunks: Buffer[] = [];
  #chunkOctets = 0;

  /** Octets collected since the last `take`. */
  get length(): number {
    return this.#chunkOctets + this.#text.length;
  }

  /** Appends text, one octet per character: ASCII, or what Buffer.toString('latin1') gave. */
  text(text: string): this {
    this.#text += text;
    if (this.#text.length >= FLUSHED) this.#flush();
    return this;
  }

  /** Appends octets; a large buffer is kept by reference and may not be changed until it is sent. */
  octets(octets: Buffer): this {
    if (octets.length <= COPIED) return this.text(octets.toString('latin1'));
    this.#flush();
    this.#chunks.push(octets);
    this.#chunkOctets += octets.length;
    return this;
  }

  /** Appends a literal, given in one piece or in several that follow each other. */
  literal(...pieces: readonly Buffer[]): this {
    let size = 0;
    for (const piece of pieces) size += piece.length;
    this.text(literalPrefix(size));
    for (const piece of pieces) this.octets(piece);
    return this;
  }

  /** Appends a string, quoted or literal as it fits; NIL for null. */
  nstring(octets: Buffer | null): this {
    if (octets === null) return this.text('NIL');
    return isQuotable(octets) ? this.text(quoted(octets.toString('latin1'))) : this.literal(octets);
  }

  /** What was collected, in order; the builder is empty again. */
  take(): Buffer[] {
    this.#flush();
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#chunkOctets = 0;
    return chunks;
  }

  #flush(): void {
    if (this.#text === '') return;
    const octets = Buffer.from(this.#text, 'latin1');
    this.#text = '';
    this.#chunks.push(octets);
    this.#chunkOctets += octets.length;
  }
}
