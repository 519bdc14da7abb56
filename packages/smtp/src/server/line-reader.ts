const CR = 13;
const LF = 10;
const NONE = Buffer.alloc(0);

/** Who is speaking, as far as the length of a line depends on it. */
export interface Speaker {
  readonly options: { readonly auth: boolean };
  readonly limits: { readonly commandLine: number; readonly authLine: number };
  readonly exchange: unknown;
}

/** How long the line at `at` may be: AUTH with an initial response as long as its exchange (RFC 4954 §4). */
export function lineLimit(speaker: Speaker, chunk: Buffer, at: number, midLine: boolean): number {
  const { authLine, commandLine } = speaker.limits;
  if (speaker.exchange !== undefined) return authLine;
  if (!speaker.options.auth) return commandLine;
  if (midLine) return authLine;
  return chunk.toString('latin1', at, at + 5).toUpperCase() === 'AUTH ' ? authLine : commandLine;
}

/** What is wrong with a line; 'endless' and 'bare' leave no way to go on. */
export type LineFault = 'long' | 'endless' | 'bare' | 'octets';

/**
 * Cuts command lines out of chunks. A line ends with CRLF; a bare LF ends one only where line ends are
 * normalised. What exceeds the limit is counted, not kept.
 */
export class LineReader {
  /** The line without its end, after read() has found one. */
  line: Buffer = NONE;
  fault: LineFault | undefined;
  readonly #normalise: boolean;
  readonly #endless: number;
  #held: Buffer = NONE;
  #heldUsed = 0;
  /** Octets of this line that were thrown away. */
  #dropped = 0;

  constructor(bareLineEnds: 'refuse' | 'normalise', endless: number) {
    this.#normalise = bareLineEnds === 'normalise';
    this.#endless = endless;
  }

  /** Whether part of a line has come. */
  get midLine(): boolean {
    return this.#heldUsed > 0 || this.#dropped > 0;
  }

  /**
   * Reads from `at`: the offset after the line, with `line` and `fault` set; or -1 when all octets were
   * taken and the line goes on (`fault` is then 'endless' when it went on for too long).
   */
  read(chunk: Buffer, at: number, limit: number): number {
    this.fault = undefined;
    const lf = chunk.indexOf(LF, at);
    const end = lf === -1 ? chunk.length : lf + 1;
    const size = this.#heldUsed + this.#dropped + end - at;
    if (lf === -1) {
      this.#keep(chunk.subarray(at, end), limit);
      if (size > this.#endless) this.fault = 'endless';
      return -1;
    }
    const piece = chunk.subarray(at, end);
    const whole =
      this.#heldUsed === 0 ? piece : Buffer.concat([this.#held.subarray(0, this.#heldUsed), piece]);
    const dropped = this.#dropped > 0;
    this.#held = NONE;
    this.#heldUsed = this.#dropped = 0;
    const crlf = whole.length > 1 && whole[whole.length - 2] === CR;
    this.line = whole.subarray(0, whole.length - (crlf ? 2 : 1));
    if (size > this.#endless) this.fault = 'endless';
    else if (!crlf && !this.#normalise) this.fault = 'bare';
    else if (dropped || this.line.length > limit) this.fault = 'long';
    else if (this.line.includes(CR)) this.fault = this.#normalise ? 'octets' : 'bare';
    return end;
  }

  #keep(piece: Buffer, limit: number): void {
    // Two octets more than the limit: CRLF does not count.
    const room = Math.max(0, limit + 2 - this.#heldUsed);
    this.#dropped += Math.max(0, piece.length - room);
    const kept = piece.length <= room ? piece : piece.subarray(0, room);
    const used = this.#heldUsed + kept.length;
    if (used > this.#held.length) {
      // Doubled, so that a line of one-octet pieces is not copied once for each of them.
      const grown = Buffer.allocUnsafeSlow(Math.max(used, this.#held.length * 2, 64));
      this.#held.copy(grown, 0, 0, this.#heldUsed);
      this.#held = grown;
    }
    kept.copy(this.#held, this.#heldUsed);
    this.#heldUsed = used;
  }
}
