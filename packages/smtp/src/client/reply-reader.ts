import type { Reply } from '../reply.ts';

/** Octets of one reply, all its lines together, that a peer may make us hold. */
export const MAX_REPLY = 64 * 1024;

const LF = 10;
const CR = 13;
const NOTHING = Buffer.alloc(0);

/** The peer said something that is no reply; the conversation cannot go on. */
export class ReplyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ReplyError';
  }
}

/**
 * Makes reply values of what a peer sends, whatever the packets' borders. Lines may end in a bare LF
 * (some peers do so). Linear in its input.
 * @throws ReplyError from push() for a line that is no reply, codes that change within one reply, or more than 64 KiB.
 */
export class ReplyReader {
  #rest: Buffer = NOTHING;
  #lines: string[] = [];
  #code = 0;
  #enhanced = '';
  #size = 0;

  /** Octets that came but are no whole reply yet, or that follow the last one. */
  get pending(): number {
    return this.#rest.length + this.#lines.length;
  }

  /** Calls `each` for every reply that `chunk` completes. */
  push(chunk: Buffer, each: (reply: Reply) => void): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let from = 0;
    // A rest never contains a line end, so only the new octets are searched.
    let end = data.indexOf(LF, this.#rest.length);
    this.#rest = NOTHING;
    while (end !== -1) {
      this.#size += end + 1 - from;
      if (this.#size > MAX_REPLY) throw new ReplyError('the reply is longer than 64 KiB');
      const stop = end > from && data[end - 1] === CR ? end - 1 : end;
      const reply = this.#line(data.toString('utf8', from, stop));
      from = end + 1;
      if (reply !== undefined) each(reply);
      end = data.indexOf(LF, from);
    }
    if (from < data.length) {
      this.#rest = data.subarray(from);
      if (this.#size + this.#rest.length > MAX_REPLY) throw new ReplyError('the reply is longer than 64 KiB');
    }
  }

  /** RFC 5321 §4.2: three digits, a hyphen on all lines but the last, text. */
  #line(line: string): Reply | undefined {
    const code = replyCode(line);
    const sign = line.charCodeAt(3);
    // A bare code without a space is tolerated, RFC 5321 §4.2 asks clients to.
    const last = line.length === 3 || sign === 32;
    if (code === 0 || (!last && sign !== 45))
      throw new ReplyError(`not an SMTP reply: ${printable(line.slice(0, 80))}`);
    if (this.#lines.length > 0 && code !== this.#code)
      throw new ReplyError('the reply code changes within one reply');
    const length = enhancedLength(line, code);
    let text = line.slice(4);
    if (length > 0) {
      if (this.#enhanced === '') this.#enhanced = line.slice(4, 4 + length);
      text = line.slice(4 + length).trimStart();
    }
    this.#code = code;
    this.#lines.push(printable(text));
    if (!last) return undefined;
    const reply = { code, enhanced: this.#enhanced, lines: this.#lines };
    this.#lines = [];
    this.#enhanced = '';
    this.#size = 0;
    return reply;
  }
}

function replyCode(line: string): number {
  const a = line.charCodeAt(0) - 48;
  const b = line.charCodeAt(1) - 48;
  const c = line.charCodeAt(2) - 48;
  return a >= 2 && a <= 5 && b >= 0 && b <= 9 && c >= 0 && c <= 9 ? a * 100 + b * 10 + c : 0;
}

/**
 * Length of the enhanced status code at the start of a line's text, 0 where there is none. RFC 2034 §3,
 * RFC 3463 §2: class.subject.detail, the class equal to the code's first digit.
 */
function enhancedLength(line: string, code: number): number {
  if (line.charCodeAt(4) - 48 !== Math.floor(code / 100) || line.charCodeAt(5) !== 46) return 0;
  let at = 6;
  for (let part = 0; part < 2; part++) {
    const start = at;
    while (at - start < 3 && isDigit(line.charCodeAt(at))) at++;
    if (at === start) return 0;
    if (part === 0) {
      if (line.charCodeAt(at) !== 46) return 0;
      at++;
    }
  }
  return at === line.length || line.charCodeAt(at) === 32 ? at - 4 : 0;
}

function isDigit(c: number): boolean {
  return c >= 48 && c <= 57;
}

/** Control characters become spaces: peers' texts end in logs, reports and terminals. */
function printable(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 32 || (c >= 127 && c < 160)) return text.replaceAll(/\p{Cc}/gu, ' ');
  }
  return text;
}
