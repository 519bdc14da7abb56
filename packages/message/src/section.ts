/** IMAP body sections as byte ranges (RFC 3501 §6.4.5): BODY[1.2.HEADER] and its kin. */
import type { Part, Range } from './contract.ts';
import { headerFields } from './header.ts';

export type SectionText = 'HEADER' | 'TEXT' | 'MIME' | null;

/** The part that a path names, or undefined. The empty path is the message itself. */
export function partAt(root: Part, path: readonly number[]): Part | undefined {
  let part: Part | undefined = root;
  // The message itself and what stands in message/rfc822 are numbered alike (RFC 3501 §6.4.5).
  let asMessage = true;
  for (const number of path) {
    if (part === undefined) return undefined;
    const holder: Part | undefined = asMessage ? part : innerMessage(part);
    const node: Part = holder ?? part;
    if (node.type === 'multipart') part = multipartChild(node, number);
    else if (holder !== undefined && number === 1) part = node;
    else return undefined;
    asMessage = false;
  }
  return part;
}

/** An empty multipart is told as having one empty text part (RFC 3501 has no other way to say it). */
function multipartChild(multipart: Part, number: number): Part | undefined {
  const child = multipart.parts[number - 1];
  if (child !== undefined || multipart.parts.length > 0 || number !== 1) return child;
  const empty = { start: multipart.content.start, end: multipart.content.start };
  return {
    header: empty,
    content: empty,
    type: 'text',
    subtype: 'plain',
    encoding: '7bit',
    charset: 'us-ascii',
    parts: [],
  };
}

function innerMessage(part: Part): Part | undefined {
  return part.type === 'message' && part.subtype === 'rfc822' ? part.parts[0] : undefined;
}

/**
 * The octets of a section, or undefined where the message has no such thing (answered as NIL).
 * HEADER and TEXT with a path are of the message inside a message/rfc822 part; MIME is a part's own
 * header. Header ranges hold their empty line.
 */
export function sectionRange(root: Part, path: readonly number[], text: SectionText): Range | undefined {
  if (path.length === 0) {
    if (text === 'HEADER') return root.header;
    if (text === 'TEXT') return root.content;
    return text === null ? { start: root.header.start, end: root.content.end } : undefined;
  }
  const part = partAt(root, path);
  if (part === undefined) return undefined;
  if (text === null) return part.content;
  if (text === 'MIME') return part.header;
  const inner = innerMessage(part);
  return text === 'HEADER' ? inner?.header : inner?.content;
}

/**
 * The fields of a header block that HEADER.FIELDS (or, with `not`, HEADER.FIELDS.NOT) names, in the
 * message's order, neighbours joined. The empty line that RFC 3501 §6.4.5 puts behind them is the
 * caller's to add.
 */
export function selectFields(buffer: Buffer, header: Range, names: readonly string[], not: boolean): Range[] {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const ranges: Range[] = [];
  for (const field of headerFields(buffer, header.start, header.end)) {
    if (wanted.has(field.name) === not) continue;
    const last = ranges.at(-1);
    if (last?.end === field.start) ranges[ranges.length - 1] = { start: last.start, end: field.end };
    else ranges.push({ start: field.start, end: field.end });
  }
  return ranges;
}
