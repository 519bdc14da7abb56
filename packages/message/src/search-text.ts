/** SEARCH BODY, TEXT and header keys over decoded text (RFC 3501 §6.4.4), without regard to case. */
import { decodeCharset } from './charset.ts';
import type { Part, Range } from './contract.ts';
import { decodeWords } from './encoded-words.ts';
import { fieldValue, headerFields } from './header.ts';
import { decodeContent } from './transfer-encoding.ts';

/** What is compared: lower case, composed. Apply it to the needle once. */
export function foldText(text: string): string {
  return isAscii(text) ? text.toLowerCase() : text.normalize('NFC').toLowerCase();
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

/**
 * Does the message hold this text? `body`: in its text parts, and in headers and text of messages
 * inside it; `text`: in its own header too. `needle` is folded by `foldText`.
 */
export function searchText(buffer: Buffer, root: Part, needle: string, scope: 'body' | 'text'): boolean {
  if (needle === '') return true;
  if (scope === 'text' && searchHeader(buffer, root.header, needle)) return true;
  const waiting: Part[] = [root];
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if (part.type === 'text' && foldText(partText(buffer, part)).includes(needle)) return true;
    const inner = part.type === 'message' ? part.parts[0] : undefined;
    if (inner !== undefined && searchHeader(buffer, inner.header, needle)) return true;
    waiting.push(...part.parts);
  }
  return false;
}

/** Does any field of this header block, name included, hold the (folded) text? */
export function searchHeader(buffer: Buffer, header: Range, needle: string): boolean {
  return headerFields(buffer, header.start, header.end).some((field) =>
    foldText(`${field.name}: ${decodeWords(fieldValue(buffer, field))}`).includes(needle),
  );
}

/** Does a field with this name (lower case) hold the (folded) text? The empty text asks only whether it is there. */
export function searchField(buffer: Buffer, header: Range, name: string, needle: string): boolean {
  return headerFields(buffer, header.start, header.end).some(
    (field) =>
      field.name === name &&
      (needle === '' || foldText(decodeWords(fieldValue(buffer, field))).includes(needle)),
  );
}

/** A text part as text: transfer encoding and charset undone. */
export function partText(buffer: Buffer, part: Part): string {
  // US-ASCII with 8-bit octets in it is mostly UTF-8 today.
  const charset = part.charset === '' || part.charset === 'us-ascii' ? 'utf-8' : part.charset;
  return decodeCharset(decodeContent(buffer, part), charset);
}
