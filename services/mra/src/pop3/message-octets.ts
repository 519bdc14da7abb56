/** A stored message as POP3 sends it: dots doubled at the start of lines, "." on a line of its own behind (RFC 1939 §3). */

/** A long message is sent in pieces of this size, each when the client has taken those before. */
const PIECE = 65_536;

const CRLF = Buffer.from('\r\n');
const EMPTY_LINE = Buffer.from('\r\n\r\n');
const CRLF_DOT = Buffer.from('\r\n.');
const DOT = 0x2e;
const LF = 0x0a;
const CR = 0x0d;
const END = Buffer.from('.\r\n');
const END_OF_OPEN_LINE = Buffer.from('\r\n.\r\n');

/** What stands before the next octet. */
interface Place {
  lineStart: boolean;
  afterCr: boolean;
}

/** The octets of a multi-line answer, end mark included; `parts` follow each other. Copies only where a dot is doubled. */
export function* dotStuffed(parts: readonly Buffer[]): Generator<Buffer, void, undefined> {
  const place: Place = { lineStart: true, afterCr: false };
  for (const part of parts) {
    for (let from = 0; from < part.length; from += PIECE) {
      const piece = part.subarray(from, from + PIECE);
      yield doubled(piece, dots(piece, place));
      advance(place, piece);
    }
  }
  yield place.lineStart ? END : END_OF_OPEN_LINE;
}

/** Offsets of the dots that begin a line. */
function dots(piece: Buffer, place: Place): number[] {
  const found: number[] = [];
  if (place.lineStart && piece[0] === DOT) found.push(0);
  if (place.afterCr && piece[0] === LF && piece[1] === DOT) found.push(1);
  for (let at = piece.indexOf(CRLF_DOT); at !== -1; at = piece.indexOf(CRLF_DOT, at + 3)) found.push(at + 2);
  return found;
}

function doubled(piece: Buffer, at: readonly number[]): Buffer {
  if (at.length === 0) return piece;
  const wide = Buffer.allocUnsafe(piece.length + at.length);
  let from = 0;
  let to = 0;
  for (const dot of at) {
    to += piece.copy(wide, to, from, dot);
    wide[to] = DOT;
    to += 1;
    from = dot;
  }
  piece.copy(wide, to, from);
  return wide;
}

function advance(place: Place, piece: Buffer): void {
  const last = piece[piece.length - 1];
  const beforeLast = piece.length > 1 ? piece[piece.length - 2] === CR : place.afterCr;
  place.lineStart = last === LF && beforeLast;
  place.afterCr = last === CR;
}

/** How much of `body` TOP shows: its header, the empty line and `lines` lines more (RFC 1939 §7 TOP). */
export function topEnd(body: Buffer, lines: number): number {
  // A body that begins with the empty line has no header of its own, only the delivery's prefix.
  let end = 2;
  if (!body.subarray(0, 2).equals(CRLF)) {
    const empty = body.indexOf(EMPTY_LINE);
    if (empty === -1) return body.length;
    end = empty + 4;
  }
  for (let left = lines; left > 0; left -= 1) {
    const next = body.indexOf(CRLF, end);
    if (next === -1) return body.length;
    end = next + 2;
  }
  return end;
}
