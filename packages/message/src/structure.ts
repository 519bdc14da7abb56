/**
 * The MIME structure of a message (RFC 2045, 2046): the byte range of every part, and BODYSTRUCTURE
 * (RFC 3501 §7.4.2) written along the way. Outer boundaries are found before inner ones, so an outer
 * delimiter always ends what it encloses.
 */
import type { Part, Range } from './contract.ts';
import { envelope, oneLine } from './envelope.ts';
import { headerEnd, headerFields, type HeaderField, shortValue } from './header.ts';
import { LineCounter } from './line-counter.ts';
import {
  parameter,
  type Parameters,
  parseContentType,
  parseDisposition,
  parseToken,
  parseTokenList,
} from './mime-fields.ts';
import { imapString, nstring } from './wire.ts';

/** Multiparts and messages inside each other; more and the message is told as one opaque part. */
export const DEPTH = 50;
/** Parts in all; likewise. */
export const PARTS = 1000;
/** Octets of header blocks in all; likewise. */
const ALL_HEADERS = 4 * 1024 * 1024;
/** Octets of BODYSTRUCTURE; likewise. */
const WIRE = 1024 * 1024;
/** RFC 2046 §5.1.1 has 70; a longer boundary than this is none. */
const BOUNDARY = 250;

const LF = 10;
const CR = 13;
const DASH = 45;

export interface Structure {
  readonly root: Part;
  /** Octets as latin1 characters. */
  readonly bodyStructure: string;
  /** What BODY leaves out of it: the extension data. */
  readonly extensions: readonly Range[];
}

/** Indexes a whole message whose root header fields have been read. Throws TooComplex beyond a budget. */
export function structure(buffer: Buffer, rootFields: readonly HeaderField[]): Structure {
  const indexer = new Indexer(buffer);
  const root = indexer.part(0, buffer.length, 0, false, rootFields);
  return { root, bodyStructure: indexer.wire, extensions: indexer.extensions };
}

/** The message as one part without structure: for what `structure` would not index. */
export function opaque(buffer: Buffer): Structure {
  const end = headerEnd(buffer);
  const root: Part = {
    header: { start: 0, end },
    content: { start: end, end: buffer.length },
    type: 'application',
    subtype: 'octet-stream',
    encoding: '8bit',
    charset: '',
    parts: [],
  };
  const basic = `("application" "octet-stream" NIL NIL NIL "8bit" ${buffer.length - end}`;
  const wire = `${basic} NIL NIL NIL NIL)`;
  return { root, bodyStructure: wire, extensions: [{ start: basic.length, end: wire.length - 1 }] };
}

/** A budget ran out. */
export class TooComplex extends Error {
  constructor(what: string) {
    super(`message structure has too many ${what}`);
    this.name = 'TooComplex';
  }
}

interface PartFields {
  type: string;
  subtype: string;
  parameters: Parameters;
  encoding: string;
  id: string | null;
  description: string | null;
  md5: string | null;
  disposition: string | null;
  language: string | null;
  location: string | null;
}

class Indexer {
  wire = '';
  readonly extensions: Range[] = [];
  readonly #buffer: Buffer;
  readonly #lines: LineCounter;
  #parts = 0;
  #headers = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
    this.#lines = new LineCounter(buffer);
  }

  /** Indexes [start, end) as a part (or a message) and appends its parenthesised form to the wire. */
  part(start: number, end: number, depth: number, inDigest: boolean, known?: readonly HeaderField[]): Part {
    if (++this.#parts > PARTS) throw new TooComplex('parts');
    if (depth > DEPTH) throw new TooComplex('levels');
    const contentStart = headerEnd(this.#buffer, start, end);
    this.#headers += contentStart - start;
    if (this.#headers > ALL_HEADERS && depth > 0) throw new TooComplex('header octets');
    if (this.wire.length > WIRE) throw new TooComplex('header octets');
    const fields = known ?? headerFields(this.#buffer, start, contentStart);
    return this.#write(fields, { start, end: contentStart }, { start: contentStart, end }, depth, inDigest);
  }

  #write(
    fields: readonly HeaderField[],
    header: Range,
    content: Range,
    depth: number,
    inDigest: boolean,
  ): Part {
    const about = this.#read(fields, inDigest);
    const type = about.type.toLowerCase();
    const subtype = about.subtype.toLowerCase();
    let parts: Part[] = [];
    let charset = '';
    this.wire += '(';
    if (type === 'multipart') {
      parts = this.#children(content, about.parameters, depth, subtype === 'digest');
      this.wire += ` ${imapString(about.subtype)}`;
      this.#extend(` ${parametersWire(about.parameters)}${this.#tail(about)}`);
    } else {
      if (type === 'text') charset = (parameter(about.parameters, 'charset') ?? 'us-ascii').toLowerCase();
      this.#basic(about, content, type === 'text');
      if (type === 'text') this.wire += ` ${this.#lines.count(content)}`;
      else if (type === 'message' && subtype === 'rfc822') parts = [this.#inner(content, depth)];
      this.#extend(` ${nstring(about.md5)}${this.#tail(about)}`);
    }
    this.wire += ')';
    return { header, content, type, subtype, encoding: about.encoding.toLowerCase(), charset, parts };
  }

  #read(fields: readonly HeaderField[], inDigest: boolean): PartFields {
    const about: PartFields = {
      // RFC 2046 §5.1.5: the default inside a digest is a message.
      type: inDigest ? 'message' : 'text',
      subtype: inDigest ? 'rfc822' : 'plain',
      parameters: [],
      encoding: '7bit',
      id: null,
      description: null,
      md5: null,
      disposition: null,
      language: null,
      location: null,
    };
    let typed = false;
    for (const field of fields) {
      if (!field.name.startsWith('content-')) continue;
      const value = shortValue(this.#buffer, field);
      switch (field.name) {
        case 'content-type': {
          const parsed = typed ? null : parseContentType(value);
          if (parsed === null) break;
          typed = true;
          about.type = parsed.type;
          about.subtype = parsed.subtype;
          about.parameters = parsed.parameters;
          break;
        }
        case 'content-transfer-encoding':
          about.encoding = parseToken(value) || about.encoding;
          break;
        case 'content-id':
          about.id ??= oneLine(value);
          break;
        case 'content-description':
          about.description ??= oneLine(value);
          break;
        case 'content-md5':
          about.md5 ??= oneLine(value);
          break;
        case 'content-disposition': {
          const parsed = about.disposition === null ? parseDisposition(value) : null;
          if (parsed !== null) {
            about.disposition = `(${imapString(parsed.disposition)} ${parametersWire(parsed.parameters)})`;
          }
          break;
        }
        case 'content-language': {
          const tags = parseTokenList(value);
          if (tags.length > 0) about.language ??= `(${tags.map(imapString).join(' ')})`;
          break;
        }
        case 'content-location':
          about.location ??= oneLine(value);
          break;
        default:
      }
    }
    return about;
  }

  /** RFC 3501 body-fields with type in front: what every leaf has. */
  #basic(about: PartFields, content: Range, text: boolean): void {
    const withCharset =
      text && parameter(about.parameters, 'charset') === undefined
        ? [...about.parameters, ['charset', 'us-ascii'] as const]
        : about.parameters;
    this.wire +=
      `${imapString(about.type)} ${imapString(about.subtype)} ${parametersWire(withCharset)} ` +
      `${nstring(about.id)} ${nstring(about.description)} ${imapString(about.encoding)} ` +
      `${content.end - content.start}`;
  }

  /** RFC 3501 body-type-msg: envelope, body and lines of the message inside. */
  #inner(content: Range, depth: number): Part {
    const end = headerEnd(this.#buffer, content.start, content.end);
    const fields = headerFields(this.#buffer, content.start, end);
    this.wire += ` ${envelope(this.#buffer, fields).wire} `;
    const inner = this.part(content.start, content.end, depth + 1, false, fields);
    this.wire += ` ${this.#lines.count(content)}`;
    return inner;
  }

  #children(content: Range, parameters: Parameters, depth: number, digest: boolean): Part[] {
    const boundary = parameter(parameters, 'boundary') ?? '';
    const ranges =
      boundary === '' || boundary.length > BOUNDARY
        ? []
        : splitAt(this.#buffer, content, boundary, PARTS - this.#parts);
    if (ranges.length === 0) {
      // RFC 3501 has no multipart without a part: an empty one is told.
      this.wire += '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0';
      this.#extend(' NIL NIL NIL NIL');
      this.wire += ')';
      return [];
    }
    return ranges.map((range) => this.part(range.start, range.end, depth + 1, digest));
  }

  #extend(text: string): void {
    const start = this.wire.length;
    this.wire += text;
    this.extensions.push({ start, end: this.wire.length });
  }

  #tail(about: PartFields): string {
    return ` ${about.disposition ?? 'NIL'} ${about.language ?? 'NIL'} ${nstring(about.location)}`;
  }
}

/**
 * The parts between the delimiter lines of a boundary (RFC 2046 §5.1.1). A delimiter line holds the
 * boundary and at most blanks behind it; the line end before it belongs to it. Without a closing
 * delimiter the last part ends with the content.
 */
function splitAt(whole: Buffer, content: Range, boundary: string, most: number): Range[] {
  const buffer = whole.subarray(0, content.end);
  const ranges: Range[] = [];
  const delimiter = Buffer.from(`--${boundary}`, 'latin1');
  let open = -1;
  let at = content.start;
  for (;;) {
    const found = buffer.indexOf(delimiter, at);
    if (found === -1) break;
    at = found + delimiter.length;
    if (found !== content.start && buffer[found - 1] !== LF) continue;
    const closing = buffer[at] === DASH && buffer[at + 1] === DASH;
    let line = at;
    if (!closing) {
      while (line < content.end && (buffer[line] === 32 || buffer[line] === 9)) line++;
      if (line < content.end && buffer[line] === CR) line++;
      if (line < content.end && buffer[line] !== LF) continue;
      line = Math.min(line + 1, content.end);
    }
    if (open !== -1)
      ranges.push({ start: open, end: Math.max(open, lineEndBefore(buffer, found, content.start)) });
    if (closing) return ranges;
    open = line;
    at = line;
    if (ranges.length > most) throw new TooComplex('parts');
  }
  if (open !== -1) ranges.push({ start: open, end: content.end });
  return ranges;
}

function lineEndBefore(buffer: Buffer, at: number, from: number): number {
  if (at <= from || buffer[at - 1] !== LF) return at;
  return at - 1 > from && buffer[at - 2] === CR ? at - 2 : at - 1;
}

function parametersWire(parameters: Parameters): string {
  if (parameters.length === 0) return 'NIL';
  let wire = '(';
  for (const [name, value] of parameters) {
    wire += `${wire.length === 1 ? '' : ' '}${imapString(name)} ${imapString(value)}`;
  }
  return `${wire})`;
}
