/** Content-Transfer-Encoding undone (RFC 2045 §6), tolerantly: for reading, never for sending on. */
import type { Part } from './contract.ts';

/** A part's content without its transfer encoding; a view where there was none. */
export function decodeContent(buffer: Buffer, part: Part): Buffer {
  const content = buffer.subarray(part.content.start, part.content.end);
  switch (part.encoding) {
    case 'base64':
      return Buffer.from(content.toString('latin1'), 'base64');
    case 'quoted-printable':
      return decodeQuotedPrintable(content);
    default:
      return content;
  }
}

/** RFC 2045 §6.7; blanks before a line end are dropped, a lone `=` stays. */
export function decodeQuotedPrintable(octets: Buffer): Buffer {
  const out = Buffer.allocUnsafe(octets.length);
  let length = 0;
  /** Where the blanks that may prove to be padding begin. */
  let solid = 0;
  for (let i = 0; i < octets.length; i++) {
    const octet = octets[i] ?? 0;
    if (octet === 0x3d) {
      const value = hex(octets[i + 1]) * 16 + hex(octets[i + 2]);
      if (value >= 0) {
        out[length++] = value;
        i += 2;
        solid = length;
        continue;
      }
      const line = softBreak(octets, i + 1);
      if (line !== -1) {
        i = line - 1;
        solid = length;
        continue;
      }
    }
    if (octet === 10 || (octet === 13 && octets[i + 1] === 10)) length = solid;
    out[length++] = octet;
    if (octet !== 0x20 && octet !== 0x09) solid = length;
  }
  return out.subarray(0, length);
}

/** After the line end that follows at most some blanks, or -1. */
function softBreak(octets: Buffer, at: number): number {
  let i = at;
  while (i - at < 80 && (octets[i] === 0x20 || octets[i] === 0x09)) i++;
  if (octets[i] === 13) i++;
  return octets[i] === 10 ? i + 1 : -1;
}

/** RFC 2047 §4.2: `_` is a space. Octets come out as latin1 characters. */
export function decodeQ(text: string): string {
  const octets = Buffer.from(text, 'utf8');
  const out = Buffer.allocUnsafe(octets.length);
  let length = 0;
  for (let i = 0; i < octets.length; i++) {
    const octet = octets[i] ?? 0;
    const value = octet === 0x3d ? hex(octets[i + 1]) * 16 + hex(octets[i + 2]) : -1;
    if (value >= 0) i += 2;
    out[length++] = value >= 0 ? value : octet === 0x5f ? 0x20 : octet;
  }
  return out.toString('latin1', 0, length);
}

/** A hexadecimal digit's value, in either case; far below zero for anything else. */
function hex(code: number | undefined): number {
  if (code === undefined) return -1000;
  if (code >= 48 && code <= 57) return code - 48;
  const upper = code & 0xdf;
  return upper >= 65 && upper <= 70 ? upper - 55 : -1000;
}
