import type { BodyBudget } from './body-budget.ts';

const NUL = 0;
const LF = 10;
const CR = 13;
const DOT = 46;
const CRLF = Buffer.from('\r\n');
const ONE_DOT = Buffer.from('.');

/** Why a message that has come cannot be taken. */
export type DataFault = 'bare' | 'nul' | 'line' | 'size' | 'memory';

/** Where the reader stands between two octets. */
type State = 'line-start' | 'inside' | 'cr' | 'dot' | 'dot-cr' | 'after-lf' | 'after-lf-dot';

/** Pieces smaller than this are gathered once there are several, so that a dripping client costs no memory. */
const SMALL = 2048;

export interface DataReaderOptions {
  readonly maxSize: number;
  readonly maxLine: number;
  readonly normalise: boolean;
  readonly budget?: BodyBudget | undefined;
  /** The octets are counted out (BDAT): dots mean nothing, and finish() says where the end is. */
  readonly counted?: boolean;
}

/**
 * Reads the octets after DATA up to CRLF.CRLF and takes the dots off (RFC 5321 §4.5.2), or those of BDAT as they
 * are, under the same rules for lines. One pass of bounded cost per octet whatever they are; chunks are handed on without copying, save those with stuffed
 * dots, which are compacted in place, and small ones. After a fault the rest is read and thrown away.
 */
export class DataReader {
  fault: DataFault | undefined;
  /** Octets of the message as it will be kept. */
  size = 0;
  /** Octets read, to measure the client's pace. */
  received = 0;
  readonly #options: DataReaderOptions;
  #state: State = 'line-start';
  #chunks: Buffer[] = [];
  #gathered: Buffer | undefined;
  #gatheredUsed = 0;
  #reserved = 0;
  /** Octets of the current line that came with earlier chunks. */
  #lineBefore = 0;
  /** Per call: the chunk, where kept octets begin and end in it, and where the run being scanned began. */
  #chunk: Buffer = CRLF;
  #base = 0;
  #kept = 0;
  #run = 0;
  readonly #dot: number;

  constructor(options: DataReaderOptions) {
    this.#options = options;
    // No octet has this value.
    this.#dot = options.counted === true ? -1 : DOT;
  }

  /** Octets reserved in the budget; they are given back by release(). */
  get reserved(): number {
    return this.#reserved;
  }

  /** The offset after the end of the message, or -1 when all octets were taken and it goes on. The chunk is the reader's from now on. */
  read(chunk: Buffer, at: number): number {
    this.#chunk = chunk;
    this.#base = this.#kept = this.#run = at;
    const end = this.#scan(chunk, at);
    this.received += (end === -1 ? chunk.length : end) - at;
    if (end === -1) this.#closeRun(chunk.length);
    this.#hand(chunk.subarray(this.#base, this.#kept));
    this.#chunk = CRLF;
    return end;
  }

  /** The message is refused for a reason that stands outside of it; what still comes is thrown away. */
  refuse(fault: DataFault): void {
    this.#fail(fault);
  }

  /** All octets of a counted message have come. Its last line gets the end that it may lack: lines end with CRLF. */
  finish(): void {
    this.#base = this.#kept = this.#run = 0;
    if (this.#state === 'cr') this.#bare(0, 0);
    else if (this.#state === 'inside') this.#add(CRLF);
    this.#state = 'line-start';
  }

  /** The message, once read() has found its end. */
  chunks(): Buffer[] {
    this.#closeGathered();
    return this.#chunks;
  }

  /** Forgets what was read and gives the budget back. */
  release(): void {
    this.#options.budget?.give(this.#reserved);
    this.#reserved = 0;
    this.#chunks = [];
    this.#gathered = undefined;
  }

  #scan(chunk: Buffer, at: number): number {
    const n = chunk.length;
    let i = at;
    let lineStart = at - this.#lineBefore;
    let state = this.#state;
    const dot = this.#dot;
    while (i < n) {
      const c = chunk[i]!;
      if (state === 'inside') {
        // The common case: octets that mean nothing, one comparison each.
        if (c > CR) {
          do i++;
          while (i < n && chunk[i]! > CR);
        } else if (c === CR) {
          if (i + 1 === n) {
            this.#skip(i, i + 1);
            state = 'cr';
          } else if (chunk[i + 1] === LF) {
            if (i - lineStart > this.#options.maxLine) this.#fail('line');
            i++;
            lineStart = i + 1;
            state = 'line-start';
          } else {
            this.#bare(i, i + 1);
            lineStart = i + 1;
          }
          i++;
        } else {
          if (c === LF) {
            this.#bare(i, i + 1);
            lineStart = i + 1;
            state = 'after-lf';
          } else if (c === NUL) this.#fail('nul');
          i++;
        }
      } else if (state === 'line-start') {
        state = 'inside';
        if (c === dot) {
          this.#skip(i, i + 1);
          i++;
          lineStart = i;
          state = 'dot';
        }
      } else if (state === 'dot') {
        // RFC 5321 §4.5.2: a leading dot is deleted when anything follows it.
        if (c === CR) {
          this.#skip(i, i + 1);
          i++;
          state = 'dot-cr';
        } else state = 'inside';
      } else if (state === 'dot-cr') {
        if (c === LF) {
          this.#skip(i, i + 1);
          this.#state = 'line-start';
          return i + 1;
        }
        this.#bare(i, i);
        lineStart = i;
        state = 'inside';
      } else if (state === 'after-lf') {
        state = 'inside';
        if (c === dot) {
          this.#skip(i, i + 1);
          i++;
          state = 'after-lf-dot';
        }
      } else if (state === 'after-lf-dot') {
        // Who ends lines with LF stuffs them too: two dots are one. One dot is text, and never an end.
        if (c !== DOT) this.#add(ONE_DOT);
        state = 'inside';
      } else if (c === LF) {
        // The CR was the last octet of the chunk before.
        this.#skip(i, i + 1);
        this.#add(CRLF);
        i++;
        if (i - lineStart - 2 > this.#options.maxLine) this.#fail('line');
        lineStart = i;
        state = 'line-start';
      } else {
        this.#bare(i, i);
        lineStart = i;
        state = 'inside';
      }
    }
    this.#lineBefore = n - lineStart;
    if (this.#lineBefore > this.#options.maxLine + 2) this.#fail('line');
    this.#state = state;
    return -1;
  }

  /** A bare CR or LF at [from, to); empty where it was held back from what came before. */
  #bare(from: number, to: number): void {
    if (!this.#options.normalise) {
      this.#fail('bare');
      return;
    }
    this.#skip(from, to);
    this.#add(CRLF);
  }

  /** Leaves [from, to) out of the message. */
  #skip(from: number, to: number): void {
    this.#closeRun(from);
    this.#run = to;
  }

  /** Moves the run that ends at `to` behind what is kept of this chunk. */
  #closeRun(to: number): void {
    const length = to - this.#run;
    if (length > 0 && this.fault === undefined) {
      if (this.#kept !== this.#run) this.#chunk.copyWithin(this.#kept, this.#run, to);
      this.#kept += length;
    }
    this.#run = to;
  }

  /** Puts foreign octets after what is kept so far. */
  #add(octets: Buffer): void {
    this.#hand(this.#chunk.subarray(this.#base, this.#kept));
    this.#base = this.#kept = this.#run;
    this.#hand(octets);
  }

  #hand(piece: Buffer): void {
    const { length } = piece;
    if (length === 0 || this.fault !== undefined) return;
    this.size += length;
    if (this.size > this.#options.maxSize) {
      this.#fail('size');
      return;
    }
    if (this.#options.budget !== undefined) {
      if (!this.#options.budget.take(length)) {
        this.#fail('memory');
        return;
      }
      this.#reserved += length;
    }
    if (length >= SMALL || this.#chunks.length < 4) {
      this.#closeGathered();
      this.#chunks.push(piece);
    } else this.#gather(piece);
  }

  #gather(piece: Buffer): void {
    if (this.#gathered === undefined || this.#gatheredUsed + piece.length > this.#gathered.length) {
      const before = this.#gathered?.length ?? 1024;
      this.#closeGathered();
      this.#gathered = Buffer.allocUnsafeSlow(Math.min(65_536, Math.max(before * 2, SMALL)));
    }
    piece.copy(this.#gathered, this.#gatheredUsed);
    this.#gatheredUsed += piece.length;
  }

  #closeGathered(): void {
    if (this.#gathered === undefined) return;
    this.#chunks.push(this.#gathered.subarray(0, this.#gatheredUsed));
    this.#gathered = undefined;
    this.#gatheredUsed = 0;
  }

  #fail(fault: DataFault): void {
    if (this.fault !== undefined) return;
    this.fault = fault;
    this.release();
  }
}
