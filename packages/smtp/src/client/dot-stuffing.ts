const CR = 13;
const LF = 10;
const DOT = 46;
const END = Buffer.from('\r\n.\r\n');
const END_AFTER_LINE = END.subarray(2);
const CRLF = END.subarray(0, 2);
const ONE_DOT = Buffer.from('.');

/** A message as it goes behind DATA: slices of the body with what had to be put between them, and the end. */
export interface Stuffed {
  /** The content, its last line's end included. */
  readonly content: readonly Buffer[];
  /** The line that ends it: `.` CRLF, with the CRLF before it that an unfinished last line lacks. */
  readonly end: Buffer;
}

/**
 * RFC 5321 §4.5.2: a line that begins with a dot gets a second one. Bare CR and bare LF, which no agent
 * of ours spools, leave as CRLF (§2.3.8), so nobody's idea of a line's end can be abused.
 * Slices of `body`, no copies; one pass.
 */
export function stuff(body: Buffer): Stuffed {
  const out: Buffer[] = [];
  const length = body.length;
  let from = 0;
  if (length > 0 && body[0] === DOT) out.push(ONE_DOT);
  for (let i = 0; i < length; i++) {
    const c = body[i] as number;
    if (c > CR) continue;
    if (c === CR) {
      if (body[i + 1] === LF) i++;
      else {
        out.push(body.subarray(from, i), CRLF);
        from = i + 1;
      }
    } else if (c === LF) {
      out.push(body.subarray(from, i), CRLF);
      from = i + 1;
    } else continue;
    if (body[i + 1] === DOT) {
      if (from <= i) out.push(body.subarray(from, i + 1));
      out.push(ONE_DOT);
      from = i + 1;
    }
  }
  if (from < length) out.push(body.subarray(from));
  return { content: out, end: endsLine(out) ? END_AFTER_LINE : END };
}

function endsLine(out: readonly Buffer[]): boolean {
  const last = out.at(-1);
  return last === undefined || last[last.length - 1] === LF;
}
