/**
 * Header blocks as offsets: finds fields, reads their values, adds and removes them with all else
 * octet for octet. Nothing is copied until a value is asked for.
 */

/** Fields that begin within so many octets of a header block are read; what follows is opaque. */
export const HEADER_OCTETS = 1024 * 1024;
/** At most this many fields of one block are told apart. */
export const HEADER_FIELDS = 1000;
/** At most this many octets of one value go into a summary. */
const VALUE_OCTETS = 128 * 1024;

const LF = 10;
const CR = 13;
const SP = 32;
const TAB = 9;
const COLON = 58;
const EMPTY_LINE = Buffer.from('\r\n');

/** One field of a header block, folding included: octets [start, end), the value from `valueStart` on. */
export interface HeaderField {
  /** Lower case. */
  readonly name: string;
  /** First octet of the name. */
  readonly start: number;
  /** The octet after the colon. */
  readonly valueStart: number;
  /** After the field's last line end. */
  readonly end: number;
}

/**
 * The offset after the empty line that ends the header block (RFC 5322 §2.1); the end of the range
 * where there is none. Lines end by CRLF, and a bare LF is data; only a block that has no CRLF at all
 * (never sent by SMTP, but APPENDed) has lines that end by LF.
 */
export function headerEnd(buffer: Buffer, start = 0, end = buffer.length): number {
  const view = end === buffer.length ? buffer : buffer.subarray(0, end);
  if (hasCrlf(view, start)) {
    if (view[start] === CR && view[start + 1] === LF) return start + 2;
    const at = view.indexOf('\r\n\r\n', start, 'latin1');
    return at === -1 ? end : at + 4;
  }
  if (view[start] === LF) return start + 1;
  const at = view.indexOf('\n\n', start, 'latin1');
  return at === -1 ? end : at + 2;
}

/** How the lines of the header block at `start` end. */
function hasCrlf(view: Buffer, start: number): boolean {
  const first = view.indexOf(LF, start);
  if (first === -1) return true;
  if (first > start && view[first - 1] === CR) return true;
  if (first === start) return false;
  const crlf = view.indexOf('\r\n', first, 'latin1');
  if (crlf === -1) return false;
  const empty = view.indexOf('\n\n', first, 'latin1');
  return empty === -1 || crlf < empty;
}

/**
 * The fields of the header block at [start, end), in order. `end` may be anywhere after the block:
 * reading stops at the empty line. Lines that are no field (an mbox `From ` line, garbage) are passed
 * over and belong to no field. Never throws; limits: HEADER_OCTETS, HEADER_FIELDS.
 */
export function headerFields(buffer: Buffer, start = 0, end = buffer.length): HeaderField[] {
  const fields: HeaderField[] = [];
  // A field that begins before the limit is whole: half of one could not be taken off.
  const stop = Math.min(end, start + HEADER_OCTETS);
  const view = end === buffer.length ? buffer : buffer.subarray(0, end);
  const crlf = hasCrlf(view, start);
  let at = start;
  while (at < stop && fields.length < HEADER_FIELDS) {
    const octet = view[at];
    if (octet === LF && !crlf) break;
    if (octet === CR && view[at + 1] === LF) break;
    const next = unitEnd(view, at, crlf);
    const colon = nameEnd(view, at, next);
    if (colon !== -1) {
      let nameStop = colon;
      while (view[nameStop - 1] === SP || view[nameStop - 1] === TAB) nameStop--;
      const name = view.toString('latin1', at, nameStop).toLowerCase();
      fields.push({ name, start: at, valueStart: colon + 1, end: next });
    }
    at = next;
  }
  return fields;
}

/** After the line at `at` and the folded lines that continue it (RFC 5322 §2.2.3). */
function unitEnd(view: Buffer, at: number, crlf: boolean): number {
  let from = at;
  for (;;) {
    const lf = view.indexOf(LF, from);
    if (lf === -1) return view.length;
    from = lf + 1;
    if (crlf && view[lf - 1] !== CR) continue;
    const following = view[from];
    if (following === SP || following === TAB) continue;
    return from;
  }
}

/** Where the colon after a field name stands (RFC 5322 §3.6.8; §4.5 lets white space precede it), or -1. */
function nameEnd(buffer: Buffer, at: number, end: number): number {
  let i = at;
  for (; i < end; i++) {
    const octet = buffer[i] ?? 0;
    if (octet === COLON) return i > at ? i : -1;
    if (octet > SP && octet < 127) continue;
    break;
  }
  if (i === at) return -1;
  while (i < end && (buffer[i] === SP || buffer[i] === TAB)) i++;
  return buffer[i] === COLON && i < end ? i : -1;
}

/**
 * A field's value, unfolded (RFC 5322 §2.2.3), outer white space removed. `utf8` replaces octets that
 * are no UTF-8 by U+FFFD; `latin1` keeps each octet as one character, for writing it again.
 */
export function fieldValue(buffer: Buffer, field: HeaderField, encoding: 'utf8' | 'latin1' = 'utf8'): string {
  let start = field.valueStart;
  let end = field.end;
  while (start < end && isBlank(buffer[start] ?? 0)) start++;
  while (end > start && isBlank(buffer[end - 1] ?? 0)) end--;
  const folded = buffer.indexOf(LF, start);
  if (folded === -1 || folded >= end) return slice(buffer, start, end, encoding);
  let text = '';
  let from = start;
  for (let lf = folded; lf !== -1 && lf < end; lf = buffer.indexOf(LF, from)) {
    text += slice(buffer, from, buffer[lf - 1] === CR ? lf - 1 : lf, encoding);
    from = lf + 1;
    const following = buffer[from];
    // A bare LF that folds nothing is data; a value that is written again must not carry it.
    if (following !== SP && following !== TAB) text += ' ';
  }
  return text + slice(buffer, from, end, encoding);
}

function slice(buffer: Buffer, start: number, end: number, encoding: 'utf8' | 'latin1'): string {
  return encoding === 'latin1' ? buffer.toString('latin1', start, end) : buffer.toString('utf8', start, end);
}

function isBlank(octet: number): boolean {
  return octet === SP || octet === TAB || octet === CR || octet === LF;
}

/** As fieldValue, of at most VALUE_OCTETS: for what is stored beside the message and must stay small. */
export function shortValue(buffer: Buffer, field: HeaderField): string {
  const end = Math.min(field.end, field.valueStart + VALUE_OCTETS);
  return fieldValue(buffer, end === field.end ? field : { ...field, end }, 'latin1');
}

/** The value of the first field with this name (lower case), or undefined. */
export function firstValue(
  buffer: Buffer,
  fields: readonly HeaderField[],
  name: string,
  encoding: 'utf8' | 'latin1' = 'utf8',
): string | undefined {
  const field = fields.find((candidate) => candidate.name === name);
  return field === undefined ? undefined : fieldValue(buffer, field, encoding);
}

/**
 * The message without the fields with these names (lower case), all else octet for octet. The same
 * buffer comes back when there is none.
 */
export function removeFields(buffer: Buffer, names: ReadonlySet<string>): Buffer {
  const kept = withoutFields(buffer, headerFields(buffer), (field) => names.has(field.name));
  return kept === undefined ? buffer : Buffer.concat(kept);
}

/**
 * The pieces of a message without those of its fields that are dropped, all else octet for octet and not copied;
 * undefined when none is.
 * @param fields of this buffer, in order
 */
export function withoutFields(
  buffer: Buffer,
  fields: readonly HeaderField[],
  drop: (field: HeaderField) => boolean,
): Buffer[] | undefined {
  const kept: Buffer[] = [];
  let from = 0;
  for (const field of fields) {
    if (!drop(field)) continue;
    if (field.start > from) kept.push(buffer.subarray(from, field.start));
    from = field.end;
  }
  if (from === 0) return undefined;
  kept.push(buffer.subarray(from));
  return kept;
}

/** Whether headerFields has read all fields of the block that `buffer` begins with: none lay beyond its limits. */
export function isHeaderRead(buffer: Buffer, fields: readonly HeaderField[]): boolean {
  return fields.length < HEADER_FIELDS && headerEnd(buffer) <= HEADER_OCTETS;
}

/**
 * The message with these fields in front, all else octet for octet. It may come in pieces: they are copied
 * once. `fields` holds whole field lines, each ended by CRLF; white space that begins the message cannot
 * fold into them, since an empty line is put before it.
 */
export function prependFields(message: Buffer | readonly Buffer[], fields: string): Buffer {
  const pieces = Buffer.isBuffer(message) ? [message] : message;
  const first = pieces.find((piece) => piece.length > 0)?.[0];
  const folds = first === SP || first === TAB;
  return Buffer.concat([Buffer.from(fields, 'utf8'), ...(folds ? [EMPTY_LINE] : []), ...pieces]);
}
