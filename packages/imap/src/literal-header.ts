/** The announcement of a literal at the end of a line: `{n}` (RFC 3501 §4.3) or `{n+}` (RFC 7888 §3). */
import { DIGIT, isOctet, OCTET } from './octet-class.ts';

export interface LiteralHeader {
  /** Offset of "{" in the line. */
  readonly at: number;
  /** Octets announced; Infinity when the number is beyond 32 bits. */
  readonly size: number;
  /** `{n}`: the client waits for "+". `{n+}`: the octets follow at once, wanted or not. */
  readonly synchronizing: boolean;
  /** False where no literal may stand: inside a quoted string or in the middle of a word. */
  readonly inPlace: boolean;
}

const MAX_DIGITS = 10;
const MAX_SIZE = 4_294_967_295;

/** What the line (without CRLF) announces at its end; null when it ends the command. Linear in the line. */
export function literalHeader(line: Buffer): LiteralHeader | null {
  let at = line.length - 1;
  if (line[at] !== OCTET.closeBrace) return null;
  at -= 1;
  const synchronizing = line[at] !== OCTET.plus;
  if (!synchronizing) at -= 1;
  const digitsEnd = at + 1;
  while (at >= 0 && isOctet(line[at]!, DIGIT)) at -= 1;
  const digits = digitsEnd - (at + 1);
  if (digits === 0 || line[at] !== OCTET.openBrace) return null;
  const value =
    digits <= MAX_DIGITS ? Number(line.toString('latin1', at + 1, digitsEnd)) : Number.POSITIVE_INFINITY;
  const size = value <= MAX_SIZE ? value : Number.POSITIVE_INFINITY;
  return { at, size, synchronizing, inPlace: startsArgument(line, at) && !insideQuotes(line, at) };
}

function startsArgument(line: Buffer, at: number): boolean {
  const before = line[at - 1];
  return before === OCTET.space || before === OCTET.open;
}

function insideQuotes(line: Buffer, end: number): boolean {
  let inside = false;
  for (let at = 0; at < end; at += 1) {
    const octet = line[at];
    if (octet === OCTET.quote) inside = !inside;
    else if (inside && octet === OCTET.backslash) at += 1;
  }
  return inside;
}
