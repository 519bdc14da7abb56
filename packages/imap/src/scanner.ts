/**
 * A cursor over one complete command. `try…` looks and takes only what fits; `expect…` takes or throws
 * an ImapSyntaxError. Every octet is looked at a bounded number of times.
 */
import { isOctet, OCTET } from './octet-class.ts';
import { ImapSyntaxError } from './syntax-error.ts';

/** A literal's octets and where its announcement `{n}` stands in the command's text. */
export interface Literal {
  /** Offset of "{". */
  readonly at: number;
  /** Offset after "}". */
  readonly end: number;
  readonly octets: Buffer;
}

export class Scanner {
  readonly text: Buffer;
  readonly #literals: readonly Literal[];
  #nextLiteral = 0;
  offset = 0;

  /** `text` is the command's lines without CRLF, literal announcements left in; `literals` in order. */
  constructor(text: Buffer, literals: readonly Literal[] = []) {
    this.text = text;
    this.#literals = literals;
  }

  /** The next octet, -1 at the end. */
  peek(): number {
    return this.text[this.offset] ?? -1;
  }

  atEnd(): boolean {
    return this.offset >= this.text.length;
  }

  tryOctet(octet: number): boolean {
    if (this.peek() !== octet) return false;
    this.offset += 1;
    return true;
  }

  expectOctet(octet: number, wanted = `"${String.fromCharCode(octet)}"`): void {
    if (!this.tryOctet(octet)) this.fail(wanted);
  }

  expectSpace(): void {
    this.expectOctet(OCTET.space, 'a space');
  }

  expectEnd(): void {
    if (!this.atEnd()) this.fail('the end of the command');
  }

  /** The run of octets of these classes from here, possibly empty. */
  takeRun(classes: number): string {
    const start = this.offset;
    let end = start;
    while (end < this.text.length && isOctet(this.text[end]!, classes)) end += 1;
    this.offset = end;
    return this.text.toString('latin1', start, end);
  }

  /** As takeRun, at least one octet. */
  expectRun(classes: number, wanted: string): string {
    const run = this.takeRun(classes);
    if (run === '') this.fail(wanted);
    return run;
  }

  /** Takes this word, in any case, if it stands here and no further octet of `classes` follows. */
  tryWord(word: string, classes: number): boolean {
    const end = this.offset + word.length;
    if (end > this.text.length) return false;
    if (end < this.text.length && isOctet(this.text[end]!, classes)) return false;
    if (this.text.toString('latin1', this.offset, end).toUpperCase() !== word) return false;
    this.offset = end;
    return true;
  }

  expectWord(word: string, classes: number): void {
    if (!this.tryWord(word, classes)) this.fail(word);
  }

  /** The octets of the literal announced here, null when none is. */
  tryLiteral(): Buffer | null {
    const literal = this.#literals[this.#nextLiteral];
    if (literal === undefined || literal.at !== this.offset) return null;
    this.#nextLiteral += 1;
    this.offset = literal.end;
    return literal.octets;
  }

  /** The octets of the quoted string that starts here, null when none does. RFC 3501 §9 `quoted`. */
  tryQuoted(): Buffer | null {
    if (this.peek() !== OCTET.quote) return null;
    const start = this.offset + 1;
    let escapes = 0;
    for (let at = start; at < this.text.length; at += 1) {
      const octet = this.text[at]!;
      if (octet === OCTET.quote) {
        this.offset = at + 1;
        const inside = this.text.subarray(start, at);
        return escapes === 0 ? inside : unescape(inside, escapes);
      }
      if (octet === OCTET.backslash) {
        const escaped = this.text[at + 1];
        // RFC 3501 §9 quoted-specials: only these two may follow a backslash.
        if (escaped !== OCTET.quote && escaped !== OCTET.backslash) {
          this.offset = at + 1;
          this.fail('a quote or a backslash after a backslash');
        }
        escapes += 1;
        at += 1;
      } else if (octet === OCTET.cr || octet === OCTET.lf || octet === OCTET.nul) {
        this.offset = at;
        this.fail('a character that may stand in a quoted string');
      }
    }
    this.offset = this.text.length;
    return this.fail('a closing quote');
  }

  /** Throws: `wanted` was expected at the cursor (or at `offset`). */
  fail(wanted: string, offset = this.offset): never {
    const octet = this.text[offset];
    let found = 'the end of the command';
    if (octet !== undefined) {
      found =
        octet > 0x20 && octet < 0x7f
          ? `"${String.fromCharCode(octet)}"`
          : octet === OCTET.space
            ? 'a space'
            : `octet 0x${octet.toString(16).padStart(2, '0')}`;
    }
    throw new ImapSyntaxError(offset, wanted, found);
  }
}

function unescape(inside: Buffer, escapes: number): Buffer {
  const plain = Buffer.allocUnsafe(inside.length - escapes);
  let to = 0;
  for (let from = 0; from < inside.length; from += 1) {
    if (inside[from] === OCTET.backslash) from += 1;
    plain[to] = inside[from]!;
    to += 1;
  }
  return plain;
}
