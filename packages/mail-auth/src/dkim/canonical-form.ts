/**
 * The canonical forms of DKIM (RFC 6376 §3.4), for signer and verifier alike: octets in, octets out,
 * no I/O. Every octet is looked at a bounded number of times; what stays as it is is not copied.
 */
import { createHash } from 'node:crypto';

export type CanonicalForm = 'simple' | 'relaxed';

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const CRLF = Buffer.from('\r\n');
const EMPTY_LINES = Buffer.from('\r\n'.repeat(256));

/** Takes octets that it must have used when it returns: the memory behind them is written again. */
export type Sink = (octets: Buffer) => void;

/**
 * A header field in its canonical form, CRLF at its end (RFC 6376 §3.4.1, §3.4.2). `field` is the field
 * as it stands in the message, folding included, with or without its last CRLF.
 */
export function canonicalField(field: Buffer, form: CanonicalForm): Buffer {
  const end = endOfField(field);
  if (form === 'simple')
    return end === field.length ? Buffer.concat([field, CRLF]) : field.subarray(0, end + 2);
  const out = Buffer.allocUnsafe(end + 2);
  const length = relax(field, end, out);
  out[length] = CR;
  out[length + 1] = LF;
  return out.subarray(0, length + 2);
}

/**
 * The DKIM-Signature field as it is part of what it signs: the value of b= left out with the white
 * space around it, canonical, no CRLF at its end (RFC 6376 §3.5 b=, §3.7).
 */
export function canonicalSignatureField(field: Buffer, form: CanonicalForm): Buffer {
  const canonical = canonicalField(withoutSignatureValue(field), form);
  return canonical.subarray(0, canonical.length - 2);
}

/** The field with nothing behind `b=`, all else as it was. A field without b= comes back as it is. */
export function withoutSignatureValue(field: Buffer): Buffer {
  const end = endOfField(field);
  let at = field.indexOf(COLON) + 1;
  while (at < end) {
    let next = field.indexOf(SEMICOLON, at);
    if (next === -1 || next > end) next = end;
    let name = at;
    while (name < next && isBlank(field[name])) name++;
    if (field[name] === 0x62 /* b */) {
      let equals = name + 1;
      while (equals < next && isBlank(field[equals])) equals++;
      if (field[equals] === EQUALS && equals < next)
        return Buffer.concat([field.subarray(0, equals + 1), field.subarray(next)]);
    }
    at = next + 1;
  }
  return field;
}

/** Where the field ends without its last CRLF. */
function endOfField(field: Buffer): number {
  const { length } = field;
  return length >= 2 && field[length - 2] === CR && field[length - 1] === LF ? length - 2 : length;
}

function isBlank(octet: number | undefined): boolean {
  return octet === SP || octet === TAB || octet === CR || octet === LF;
}

/** RFC 6376 §3.4.2: lower-case name, unfolded, runs of white space one SP, none at the end or around the colon. */
function relax(field: Buffer, end: number, out: Buffer): number {
  const colon = field.indexOf(COLON);
  const nameEnd = colon === -1 || colon > end ? end : colon;
  let length = 0;
  for (let i = 0; i < nameEnd; i++) {
    const octet = field[i]!;
    out[length++] = octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet;
  }
  while (length > 0 && isBlank(out[length - 1])) length--;
  if (nameEnd === end) return length;
  out[length++] = COLON;
  const valueStart = length;
  let space = false;
  for (let i = nameEnd + 1; i < end; i++) {
    const octet = field[i]!;
    if (octet === SP || octet === TAB) space = true;
    else if (octet === CR && field[i + 1] === LF && i + 1 < end) i++; // unfolding takes the CRLF alone; WSP follows it
    else {
      if (space && length > valueStart) out[length++] = SP;
      space = false;
      out[length++] = octet;
    }
  }
  return length;
}

/** A body in pieces of any size, in canonical form (RFC 6376 §3.4.3, §3.4.4), to a sink. */
export interface BodyCanonicalizer {
  write(octets: Buffer): void;
  /** The body is over. */
  end(): void;
}

export function canonicalBody(form: CanonicalForm, sink: Sink): BodyCanonicalizer {
  return form === 'simple' ? new SimpleBody(sink) : new RelaxedBody(sink);
}

/** What a body hashes to, and how many octets its canonical form has, whether hashed or not. */
export interface BodyDigest {
  readonly digest: Buffer;
  readonly length: number;
}

/**
 * bh= of a body (RFC 6376 §3.7). `limit` is l=: only so many octets of the canonical form count; a
 * limit above `length` is the caller's to refuse.
 */
export function bodyDigest(
  body: readonly Buffer[],
  form: CanonicalForm,
  algorithm: 'sha256' | 'sha1' = 'sha256',
  limit = Infinity,
): BodyDigest {
  const hash = createHash(algorithm);
  let length = 0;
  const canonical = canonicalBody(form, (octets) => {
    if (length + octets.length <= limit) hash.update(octets);
    else if (length < limit) hash.update(octets.subarray(0, limit - length));
    length += octets.length;
  });
  for (const octets of body) canonical.write(octets);
  canonical.end();
  return { digest: hash.digest(), length };
}

/** All as it is, but for the empty lines at the end; never without a CRLF at the end (RFC 6376 §3.4.3). */
class SimpleBody implements BodyCanonicalizer {
  readonly #sink: Sink;
  /** Line ends that may be the last. */
  #ends = 0;
  #heldCr = false;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  write(octets: Buffer): void {
    if (octets.length === 0) return;
    let from = 0;
    if (this.#heldCr) {
      this.#heldCr = false;
      if (octets[0] === LF) {
        this.#ends++;
        from = 1;
      } else {
        this.#flushEnds();
        this.#sink(CRLF.subarray(0, 1));
      }
    }
    let to = octets.length;
    if (to > from && octets[to - 1] === CR) {
      this.#heldCr = true;
      to--;
    }
    let ends = 0;
    while (to - 2 >= from && octets[to - 2] === CR && octets[to - 1] === LF) {
      to -= 2;
      ends++;
    }
    if (to > from) {
      this.#flushEnds();
      this.#sink(octets.subarray(from, to));
    }
    this.#ends += ends;
  }

  end(): void {
    if (this.#heldCr) {
      this.#flushEnds();
      this.#sink(CRLF.subarray(0, 1));
    }
    this.#sink(CRLF);
  }

  #flushEnds(): void {
    sinkLineEnds(this.#ends, this.#sink);
    this.#ends = 0;
  }
}

/** White space at the end of a line goes, elsewhere it becomes one SP; no empty lines at the end (RFC 6376 §3.4.4). */
class RelaxedBody implements BodyCanonicalizer {
  readonly #out: Gather;
  /** Line ends after the last octet that counts. */
  #ends = 0;
  #space = false;
  #heldCr = false;
  #any = false;

  constructor(sink: Sink) {
    this.#out = new Gather(sink);
  }

  write(octets: Buffer): void {
    const { length } = octets;
    let i = 0;
    if (this.#heldCr && length > 0) {
      this.#heldCr = false;
      if (octets[0] === LF) {
        this.#lineEnd();
        i = 1;
      } else this.#content(CRLF, 0, 1);
    }
    while (i < length) {
      const octet = octets[i]!;
      if (octet === SP || octet === TAB) {
        this.#space = true;
        i++;
      } else if (octet === CR && i + 1 === length) {
        this.#heldCr = true;
        i++;
      } else if (octet === CR && octets[i + 1] === LF) {
        this.#lineEnd();
        i += 2;
      } else {
        const to = endOfRun(octets, i, length);
        this.#content(octets, i, to);
        i = to;
      }
    }
  }

  end(): void {
    if (this.#heldCr) this.#content(CRLF, 0, 1);
    // A body of nothing but white space is empty, and stays without a CRLF.
    if (this.#any) this.#out.take(CRLF, 0, 2);
    this.#out.flush();
  }

  #lineEnd(): void {
    this.#space = false;
    this.#ends++;
  }

  #content(octets: Buffer, from: number, to: number): void {
    if (this.#ends > 0) {
      sinkLineEnds(this.#ends, (line) => this.#out.take(line, 0, line.length));
      this.#ends = 0;
    }
    if (this.#space) {
      this.#out.take(ONE_SPACE, 0, 1);
      this.#space = false;
    }
    this.#any = true;
    this.#out.take(octets, from, to);
  }
}

const ONE_SPACE = Buffer.from(' ');

/**
 * After the octets from `i` on that are canonical as they are: single spaces between what is no white
 * space, and single line ends, go along. `octets[i]` is no white space.
 */
function endOfRun(octets: Buffer, i: number, length: number): number {
  let at = i + 1;
  while (at < length) {
    const octet = octets[at]!;
    if (octet > SP) at++;
    else if (octet === SP) {
      const next = octets[at + 1];
      if (next === undefined || next <= SP) return at;
      at += 2;
    } else if (octet === CR) {
      if (octets[at + 1] === LF) {
        const next = octets[at + 2];
        if (next === undefined || next <= SP) return at;
        at += 3;
      } else if (at + 1 === length) return at;
      else at++;
    } else if (octet === TAB) return at;
    else at++;
  }
  return length;
}

function sinkLineEnds(count: number, sink: Sink): void {
  let left = count;
  for (; left >= 256; left -= 256) sink(EMPTY_LINES);
  if (left > 0) sink(EMPTY_LINES.subarray(0, left * 2));
}

/** Gathers small pieces, so that a body with white space everywhere costs no call per word; large ones pass by. */
class Gather {
  static readonly #PASS = 512;
  readonly #sink: Sink;
  #room: Buffer | undefined;
  #used = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  take(octets: Buffer, from: number, to: number): void {
    const size = to - from;
    if (size >= Gather.#PASS) {
      this.flush();
      this.#sink(octets.subarray(from, to));
      return;
    }
    const room = (this.#room ??= Buffer.allocUnsafe(4 * Gather.#PASS));
    if (this.#used + size > room.length) this.flush();
    if (size < 24) for (let i = from; i < to; i++) room[this.#used++] = octets[i]!;
    else {
      octets.copy(room, this.#used, from, to);
      this.#used += size;
    }
  }

  flush(): void {
    if (this.#used > 0) this.#sink((this.#room as Buffer).subarray(0, this.#used));
    this.#used = 0;
  }
}
