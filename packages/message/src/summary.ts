/**
 * The summary of a message: made once when it is filed, stored, and read for every FETCH after.
 * Its form: version, lengths, ENVELOPE, BODYSTRUCTURE, what BODY leaves out, and the part tree.
 */
import type { Part, Range, Summary } from './contract.ts';
import { parseDate } from './date.ts';
import { envelope } from './envelope.ts';
import { headerEnd, headerFields } from './header.ts';
import { countLines } from './line-counter.ts';
import { opaque, structure, type Structure, TooComplex } from './structure.ts';
import { Reader, Writer } from './varints.ts';

const VERSION = 1;

/** Frozen with version 1: what most parts say, as one octet. 0 means that the text follows. */
// prettier-ignore
const WORDS: readonly string[] = [
  '', 'text', 'plain', 'html', 'multipart', 'mixed', 'alternative', 'related', 'signed', 'report',
  'message', 'rfc822', 'delivery-status', 'application', 'octet-stream', 'pdf', 'image', 'jpeg', 'png', 'gif',
  '7bit', '8bit', 'binary', 'base64', 'quoted-printable', 'us-ascii', 'utf-8', 'iso-8859-1', 'windows-1252', 'calendar',
];
const CODES = new Map(WORDS.map((word, index) => [word, index + 1]));

/**
 * Indexes a message: total, never throws, linear. Over the budgets of `structure` (depth 50, 1,000
 * parts, header octets) the message is told as one opaque part.
 */
export function summarise(buffer: Buffer): Summary {
  const fields = headerFields(buffer, 0, headerEnd(buffer));
  const values = envelope(buffer, fields);
  const indexed = indexOrOpaque(buffer, () => structure(buffer, fields));
  return {
    envelope: Buffer.from(values.wire, 'latin1'),
    ...wireOf(indexed),
    root: indexed.root,
    lines: countLines(buffer, { start: 0, end: buffer.length }),
    messageId: values.messageId ?? '',
    sentAt: values.date === null ? null : parseDate(values.date),
  };
}

/** The summary of a message that defeated `summarise`: one opaque part, an empty ENVELOPE. */
export function degradedSummary(buffer: Buffer): Summary {
  const indexed = opaque(buffer);
  return {
    envelope: Buffer.from(`(${Array.from({ length: 10 }, () => 'NIL').join(' ')})`),
    ...wireOf(indexed),
    root: indexed.root,
    lines: countLines(buffer, { start: 0, end: buffer.length }),
    messageId: '',
    sentAt: null,
  };
}

function indexOrOpaque(buffer: Buffer, index: () => Structure): Structure {
  try {
    return index();
  } catch (error) {
    if (error instanceof TooComplex) return opaque(buffer);
    throw error;
  }
}

function wireOf(indexed: Structure): Pick<Summary, 'body' | 'bodyStructure' | 'extensions'> {
  const bodyStructure = Buffer.from(indexed.bodyStructure, 'latin1');
  const { extensions } = indexed;
  return { bodyStructure, extensions, body: without(bodyStructure, extensions) };
}

function without(octets: Buffer, left: readonly Range[]): Buffer {
  const kept: Buffer[] = [];
  let from = 0;
  for (const range of left) {
    kept.push(octets.subarray(from, range.start));
    from = range.end;
  }
  kept.push(octets.subarray(from));
  return Buffer.concat(kept);
}

/** The stored form; `body` is not stored, BODYSTRUCTURE and `extensions` give it back. */
export function encodeSummary(summary: Summary): Buffer {
  const out = new Writer(summary.envelope.length + summary.bodyStructure.length + 256);
  out.octet(VERSION);
  out.number(summary.envelope.length);
  out.number(summary.bodyStructure.length);
  out.octets(summary.envelope);
  out.octets(summary.bodyStructure);
  out.number(summary.extensions.length);
  let from = 0;
  for (const range of summary.extensions) {
    out.number(range.start - from);
    out.number(range.end - range.start);
    from = range.end;
  }
  out.number(summary.lines);
  out.text(summary.messageId);
  out.number(summary.sentAt === null ? 0 : zigzag(Math.floor(summary.sentAt / 1000)) + 1);
  writePart(out, summary.root, 0);
  return out.done();
}

/** Sent times are whole seconds, before 1970 too. */
function zigzag(n: number): number {
  return n < 0 ? -2 * n - 1 : 2 * n;
}

function writePart(out: Writer, part: Part, base: number): void {
  out.number(part.header.start - base);
  out.number(part.header.end - part.header.start);
  out.number(part.content.end - part.content.start);
  for (const word of [part.type, part.subtype, part.encoding, part.charset]) {
    const code = CODES.get(word) ?? 0;
    out.octet(code);
    if (code === 0) out.text(word);
  }
  out.number(part.parts.length);
  for (const child of part.parts) writePart(out, child, part.header.start);
}

/** Reads the stored form. Throws RangeError where it is none, or of a later version. */
export function decodeSummary(stored: Buffer): Summary {
  const body = bodyOf(stored);
  const reader = open(stored);
  const [envelopeLength, structureLength] = [reader.number(), reader.number()];
  const envelopeOctets = reader.octets(envelopeLength);
  const bodyStructure = reader.octets(structureLength);
  const extensions = readRanges(reader);
  const lines = reader.number();
  const messageId = reader.text();
  const sent = reader.number();
  const root = readPart(reader, 0, 0);
  return {
    envelope: envelopeOctets,
    body,
    bodyStructure,
    extensions,
    root,
    lines,
    messageId,
    sentAt: sent === 0 ? null : unzigzag(sent - 1) * 1000,
  };
}

function unzigzag(n: number): number {
  return n % 2 === 1 ? -(n + 1) / 2 : n / 2;
}

function readPart(reader: Reader, base: number, depth: number): Part {
  if (depth > 100) throw new RangeError('summary nests too deep');
  const start = base + reader.number();
  const contentStart = start + reader.number();
  const end = contentStart + reader.number();
  const [type, subtype, encoding, charset] = [word(reader), word(reader), word(reader), word(reader)];
  const count = reader.number();
  const parts: Part[] = [];
  for (let i = 0; i < count; i++) parts.push(readPart(reader, start, depth + 1));
  return {
    header: { start, end: contentStart },
    content: { start: contentStart, end },
    type,
    subtype,
    encoding,
    charset,
    parts,
  };
}

function word(reader: Reader): string {
  const code = reader.octet();
  return code === 0 ? reader.text() : (WORDS[code - 1] ?? '');
}

function readRanges(reader: Reader): Range[] {
  const count = reader.number();
  const ranges: Range[] = [];
  let from = 0;
  for (let i = 0; i < count; i++) {
    const start = from + reader.number();
    from = start + reader.number();
    ranges.push({ start, end: from });
  }
  return ranges;
}

function open(stored: Buffer): Reader {
  const reader = new Reader(stored);
  const version = reader.octet();
  if (version !== VERSION) throw new RangeError(`summary has version ${version}, expected ${VERSION}`);
  return reader;
}

/** ENVELOPE of a stored summary: a view, nothing else is read. */
export function envelopeOf(stored: Buffer): Buffer {
  const reader = open(stored);
  const length = reader.number();
  reader.number();
  return reader.octets(length);
}

/** BODYSTRUCTURE of a stored summary: a view. */
export function bodyStructureOf(stored: Buffer): Buffer {
  const reader = open(stored);
  const [envelopeLength, length] = [reader.number(), reader.number()];
  reader.octets(envelopeLength);
  return reader.octets(length);
}

/** BODY of a stored summary: BODYSTRUCTURE without extension data. */
export function bodyOf(stored: Buffer): Buffer {
  const reader = open(stored);
  const [envelopeLength, length] = [reader.number(), reader.number()];
  reader.octets(envelopeLength);
  const bodyStructure = reader.octets(length);
  return without(bodyStructure, readRanges(reader));
}
