/** A message in pieces as its header block and its body, copied only where the header lies in several pieces. */
const EMPTY_LINE = '\r\n\r\n';

export interface MessageParts {
  /** With the empty line at its end, where there is one. */
  readonly header: Buffer;
  readonly body: readonly Buffer[];
}

export function splitMessage(pieces: readonly Buffer[]): MessageParts {
  // The octets before a piece: the empty line may be cut anywhere, and may be the first line of all.
  let before: Buffer = Buffer.from('\r\n');
  for (const [i, piece] of pieces.entries()) {
    const seam = Buffer.concat([before, piece.subarray(0, 3)]);
    const across = seam.indexOf(EMPTY_LINE);
    const at = across === -1 ? piece.indexOf(EMPTY_LINE) : across - before.length;
    if (at === -1 && across === -1) {
      before = piece.length >= 3 ? piece.subarray(-3) : seam.subarray(-3);
      continue;
    }
    const end = piece.subarray(0, at + 4);
    const header = i === 0 ? end : Buffer.concat([...pieces.slice(0, i), end]);
    return { header, body: [piece.subarray(at + 4), ...pieces.slice(i + 1)] };
  }
  const [only = Buffer.alloc(0), ...others] = pieces;
  return { header: others.length === 0 ? only : Buffer.concat(pieces), body: [] };
}
