/**
 * Octets to commands. The reader frames lines and literals within limits, says when to ask for a literal's
 * octets, and parses whole commands. It promises the same events for the same octets however they are cut,
 * linear work, bounded memory, and never to throw on what the network sent.
 *
 * It is pulled: `feed` only takes a chunk, `next` does the work of one event. So what the caller does on an
 * event (`expectLine`, `setAuthenticated`) holds for the very next octet, also when the client pipelines.
 */
import type { Command } from './command.ts';
import { literalHeader, type LiteralHeader } from './literal-header.ts';
import { OctetGatherer } from './octet-gatherer.ts';
import { OCTET } from './octet-class.ts';
import { parseCommand, readTag } from './parse-command.ts';
import type { Literal } from './scanner.ts';
import { ImapSyntaxError } from './syntax-error.ts';

export type ReaderEvent =
  | { readonly kind: 'command'; readonly command: Command }
  /** Send a continuation request, "+ ": the client waits to send a literal. */
  | { readonly kind: 'continue' }
  | {
      readonly kind: 'bad';
      /** Null when it could not be read: the answer is untagged. */
      readonly tag: string | null;
      /** BAD, or NO where the syntax was right and the size was not. */
      readonly status: 'BAD' | 'NO';
      /** Text of the answer, a response code in brackets in front of it where there is one. */
      readonly text: string;
      /** Nothing more can be read from this connection: answer, say BYE and close. */
      readonly fatal: boolean;
    }
  /** A line asked for with expectLine, without its CRLF. */
  | { readonly kind: 'line'; readonly octets: Buffer };

export interface ReaderLimits {
  /** Octets of a command outside its literals. */
  readonly line: number;
  /** Octets of all literals of a command together, APPEND's message apart. */
  readonly literals: number;
  /** Octets of APPEND's message. */
  readonly append: number;
}

/**
 * RFC 7162 §4 asks for lines of 8,192 octets at least; a response of SASL has up to 12,288 (RFC 4954 §4), for tokens
 * are long. Nothing else before login is.
 */
export const LIMITS_BEFORE_LOGIN: ReaderLimits = { line: 12_544, literals: 8_192, append: 0 };
/** After login; `append` is the constructor's maxAppend. */
export const LIMITS_AFTER_LOGIN: Omit<ReaderLimits, 'append'> = { line: 65_536, literals: 1_048_576 };

/** Octets of an overlong line that are read over before giving up on the connection. */
const MAX_SKIPPED = 1_048_576;
/** Enough of a line's end to see a literal's announcement. */
const TAIL = 32;

const TEXT = {
  lineTooLong: 'The line is too long',
  bareLf: 'Lines end with CRLF, not with LF alone (RFC 3501 §2.2)',
  literalsTooLong: 'The literals of this command are too long together',
  messageTooLong: '[TOOBIG] The message is larger than this server accepts',
  literalOutOfPlace: 'A literal cannot stand here',
} as const;

type State =
  | { readonly reading: 'line' }
  | { readonly reading: 'raw line' }
  | { readonly reading: 'literal'; readonly at: number; readonly end: number; readonly size: number }
  | { readonly reading: 'overlong line'; skipped: number; tail: Buffer }
  | { readonly reading: 'nothing' };

const LINE: State = { reading: 'line' };

export class CommandReader {
  readonly #afterLogin: ReaderLimits;
  #limits = LIMITS_BEFORE_LOGIN;
  #state: State = LINE;

  /** Chunks not read yet; the first is read from `#at`. */
  #chunks: Buffer[] = [];
  #nextChunk = 0;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  #buffered = 0;

  /** The piece (line or literal) that is arriving. */
  readonly #piece = new OctetGatherer();
  /** The command so far: its lines without CRLF, and its literals. */
  #lines: Buffer[] = [];
  #lineOctets = 0;
  #literals: Literal[] = [];
  #literalOctets = 0;
  #hasMessage = false;

  /** `maxAppend`: the largest message that APPEND may bring, in octets. */
  constructor(options: { readonly maxAppend: number }) {
    this.#afterLogin = { ...LIMITS_AFTER_LOGIN, append: options.maxAppend };
  }

  /** Octets fed that no event has used: must be 0 when TLS starts (RFC 3501 §6.2.1), or the session ends. */
  get buffered(): number {
    return this.#buffered + this.#piece.length;
  }

  /** Chooses the limits for the octets not read yet. */
  setAuthenticated(authenticated: boolean): void {
    this.#limits = authenticated ? this.#afterLogin : LIMITS_BEFORE_LOGIN;
  }

  /** The next line comes as a `line` event: a response to AUTHENTICATE, or DONE. Call it between commands. */
  expectLine(): void {
    if (this.#state === LINE && this.#lines.length === 0) this.#state = { reading: 'raw line' };
  }

  /** Takes a chunk without copying it; the caller may not change it any more. Returns the reader, to iterate. */
  feed(chunk: Buffer): this {
    if (this.#state.reading !== 'nothing' && chunk.length > 0) {
      this.#buffered += chunk.length;
      if (this.#at < this.#chunk.length) this.#chunks.push(chunk);
      else this.#use(chunk);
    }
    return this;
  }

  /** The events that the octets fed so far make, each made when it is asked for. */
  *[Symbol.iterator](): Generator<ReaderEvent, void, undefined> {
    for (let event = this.next(); event !== null; event = this.next()) yield event;
  }

  /** The next event; null until more octets are fed. */
  next(): ReaderEvent | null {
    for (;;) {
      if (this.#at >= this.#chunk.length && !this.#useNextChunk()) {
        // An empty literal is complete before any octet of it comes.
        if (this.#state.reading !== 'literal' || this.#state.size > 0) return null;
      }
      const event = this.#step(this.#state);
      if (event !== null) return event;
    }
  }

  #step(state: State): ReaderEvent | null {
    switch (state.reading) {
      case 'line':
        return this.#readLine();
      case 'raw line':
        return this.#readRawLine();
      case 'literal':
        return this.#readLiteral(state);
      case 'overlong line':
        return this.#skipLine(state);
      case 'nothing':
        this.#consume(this.#chunk.length - this.#at);
        return null;
    }
  }

  #readLine(): ReaderEvent | null {
    const line = this.#takeLine(this.#limits.line - this.#lineOctets);
    if (line === null) return null;
    if (line === 'too long') {
      return this.#refuseOverlong(readTag(this.#lines[0] ?? this.#peekStart()));
    }
    if (line[line.length - 2] !== OCTET.cr) return this.#refuseBareLf(line);
    this.#lineOctets += line.length;
    const text = line.subarray(0, -2);
    const header = literalHeader(text);
    if (header !== null) return this.#announced(text, header);
    this.#lines.push(text);
    return this.#complete();
  }

  /** A line that ends in `{n}`: ask for the octets, take them, or refuse. */
  #announced(line: Buffer, header: LiteralHeader): ReaderEvent | null {
    const tag = readTag(this.#lines[0] ?? line);
    const first = this.#lines.length === 0;
    if (!header.inPlace) return this.#refuseLiteral(header, tag, 'BAD', TEXT.literalOutOfPlace);
    const allowed = this.#limits.append > 0 && !this.#hasMessage;
    if (allowed && isMessage(this.#lines[0] ?? line, first ? header.at : null)) {
      if (header.size > this.#limits.append)
        return this.#refuseLiteral(header, tag, 'NO', TEXT.messageTooLong);
      this.#hasMessage = true;
    } else {
      this.#literalOctets += header.size;
      if (this.#literalOctets > this.#limits.literals) {
        return this.#refuseLiteral(header, tag, 'BAD', TEXT.literalsTooLong);
      }
    }
    // Each line so far was counted with its CRLF, which the command's text does not hold.
    const before = this.#lineOctets - line.length - 2 * (this.#lines.length + 1);
    this.#lines.push(line);
    this.#state = {
      reading: 'literal',
      at: before + header.at,
      end: before + line.length,
      size: header.size,
    };
    return header.synchronizing ? { kind: 'continue' } : null;
  }

  #refuseLiteral(header: LiteralHeader, tag: string | null, status: 'BAD' | 'NO', text: string): ReaderEvent {
    // RFC 7888 §4: octets that nobody asked for are on their way, and too many to read over.
    if (!header.synchronizing) return this.#fatal(tag, text, status);
    this.#forgetCommand();
    return { kind: 'bad', tag, status, text, fatal: false };
  }

  #readLiteral(state: State & { reading: 'literal' }): ReaderEvent | null {
    const missing = state.size - this.#piece.length;
    const here = Math.min(missing, this.#chunk.length - this.#at);
    if (here < missing || this.#piece.length > 0) {
      this.#piece.add(this.#chunk, this.#at, this.#at + here, state.size);
      this.#consume(here);
      if (here < missing) return null;
      this.#addLiteral(state, this.#piece.take());
    } else {
      const octets = this.#chunk.subarray(this.#at, this.#at + here);
      this.#consume(here);
      this.#addLiteral(state, octets);
    }
    return null;
  }

  #addLiteral(state: State & { reading: 'literal' }, octets: Buffer): void {
    this.#literals.push({ at: state.at, end: state.end, octets });
    this.#state = LINE;
  }

  #complete(): ReaderEvent {
    const text = this.#lines.length === 1 ? this.#lines[0]! : Buffer.concat(this.#lines);
    const literals = this.#literals;
    this.#forgetCommand();
    try {
      return { kind: 'command', command: parseCommand(text, literals) };
    } catch (error) {
      if (!(error instanceof ImapSyntaxError)) throw error;
      return { kind: 'bad', tag: readTag(text), status: 'BAD', text: error.message, fatal: false };
    }
  }

  #readRawLine(): ReaderEvent | null {
    const line = this.#takeLine(this.#limits.line);
    if (line === null) return null;
    if (line === 'too long') return this.#fatal(null, TEXT.lineTooLong);
    if (line[line.length - 2] !== OCTET.cr) return this.#fatal(null, TEXT.bareLf);
    this.#state = LINE;
    return { kind: 'line', octets: line.subarray(0, -2) };
  }

  #refuseBareLf(line: Buffer): ReaderEvent {
    const tag = readTag(this.#lines[0] ?? line.subarray(0, -1));
    // What follows `{n+}` might be octets of a literal: reading them as commands would be smuggling.
    if (line[line.length - 2] === OCTET.closeBrace) return this.#fatal(tag, TEXT.bareLf);
    this.#forgetCommand();
    return { kind: 'bad', tag, status: 'BAD', text: TEXT.bareLf, fatal: false };
  }

  #refuseOverlong(tag: string | null): ReaderEvent {
    const arrived = this.#piece.take();
    this.#forgetCommand();
    this.#state = {
      reading: 'overlong line',
      skipped: arrived.length,
      tail: Buffer.from(arrived.subarray(-TAIL)),
    };
    return { kind: 'bad', tag, status: 'BAD', text: TEXT.lineTooLong, fatal: false };
  }

  #skipLine(state: State & { reading: 'overlong line' }): ReaderEvent | null {
    const lf = this.#chunk.indexOf(OCTET.lf, this.#at);
    const end = lf === -1 ? this.#chunk.length : lf + 1;
    state.skipped += end - this.#at;
    const fresh = this.#chunk.subarray(Math.max(this.#at, end - TAIL), end);
    state.tail = fresh.length === TAIL ? fresh : Buffer.concat([state.tail, fresh]).subarray(-TAIL);
    this.#consume(end - this.#at);
    if (state.skipped > MAX_SKIPPED) return this.#fatal(null, TEXT.lineTooLong);
    if (lf === -1) return null;
    this.#state = LINE;
    const text = state.tail.subarray(0, state.tail[state.tail.length - 2] === OCTET.cr ? -2 : -1);
    const unasked = text[text.length - 1] === OCTET.closeBrace && text[text.length - 2] === OCTET.plus;
    return unasked ? this.#fatal(null, TEXT.lineTooLong) : null;
  }

  #fatal(tag: string | null, text: string, status: 'BAD' | 'NO' = 'BAD'): ReaderEvent {
    this.#forgetCommand();
    this.#piece.take();
    this.#state = { reading: 'nothing' };
    return { kind: 'bad', tag, status, text, fatal: true };
  }

  #forgetCommand(): void {
    this.#lines = [];
    this.#lineOctets = 0;
    this.#literals = [];
    this.#literalOctets = 0;
    this.#hasMessage = false;
  }

  /** A whole line with its LF, if it is there and at most `limit` octets long; null until it is. */
  #takeLine(limit: number): Buffer | 'too long' | null {
    const lf = this.#chunk.indexOf(OCTET.lf, this.#at);
    const end = lf === -1 ? this.#chunk.length : lf + 1;
    if (this.#piece.length + (end - this.#at) > limit) return 'too long';
    if (lf !== -1 && this.#piece.length === 0) {
      const line = this.#chunk.subarray(this.#at, end);
      this.#consume(line.length);
      return line;
    }
    this.#piece.add(this.#chunk, this.#at, end, limit);
    this.#consume(end - this.#at);
    return lf === -1 ? null : this.#piece.take();
  }

  /** The head of the line that is arriving, far enough to read a tag. */
  #peekStart(): Buffer {
    const rest = this.#chunk.subarray(this.#at, this.#at + 512);
    return Buffer.concat([this.#piece.peek().subarray(0, 512), rest]);
  }

  #consume(octets: number): void {
    this.#at += octets;
    this.#buffered -= octets;
  }

  #use(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  #useNextChunk(): boolean {
    const chunk = this.#chunks[this.#nextChunk];
    if (chunk === undefined) {
      this.#chunks = [];
      this.#nextChunk = 0;
      return false;
    }
    this.#nextChunk += 1;
    this.#use(chunk);
    return true;
  }
}

/**
 * Is the literal announced here APPEND's message? It is unless it is the mailbox name, the first argument.
 * `at` is the announcement's place in the first line, null when an earlier literal ended that line.
 */
function isMessage(firstLine: Buffer, at: number | null): boolean {
  const tagEnd = firstLine.indexOf(OCTET.space);
  const head = firstLine.toString('latin1', tagEnd + 1, tagEnd + 8).toUpperCase();
  if (tagEnd === -1 || head !== 'APPEND ') return false;
  return at === null || at > tagEnd + 8;
}
