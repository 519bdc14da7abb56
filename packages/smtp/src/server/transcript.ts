/**
 * A conversation keeps this much of its beginning and, when it is longer, of its end: at most 24 KiB when written
 * out. One that brings mail has 2 KiB; who floods us must not have us remember it.
 */
const HEAD = 4096;
const TAIL = 12_288;
/** What a line costs besides its text: time, side, line end. */
const LINE = 12;

interface Entry {
  readonly at: number;
  readonly side: 'C:' | 'S:' | '--';
  /** Replies hold several lines, with CRLF. */
  readonly text: string;
}

/**
 * The record of a conversation: `C:` and `S:` lines with milliseconds since it began. Bounded; messages are
 * only measured; secrets never come here, the engine writes `***` in their place. Recording is cheap, lines are
 * made when they are asked for.
 */
export class Transcript {
  readonly #began = performance.now();
  readonly #head: Entry[] = [];
  #headSize = 0;
  #tail: Entry[] = [];
  /** Entries of the tail that were let go. */
  #gone = 0;
  #tailSize = 0;
  #cut = false;

  client(line: string): void {
    this.#add('C:', line);
  }

  server(text: string): void {
    this.#add('S:', text);
  }

  note(text: string): void {
    this.#add('--', text);
  }

  /** Control characters of the client show as `?`. */
  text(): string {
    const tail = this.#tail.slice(this.#gone).flatMap((entry) => this.#lines(entry));
    const head = this.#head.flatMap((entry) => this.#lines(entry));
    return [...head, ...(this.#cut ? ['[…]'] : []), ...tail, ''].join('\n');
  }

  #lines({ at, side, text }: Entry): string[] {
    const time = String(Math.round(at - this.#began)).padStart(6);
    const lines = text.split('\r\n');
    if (side === 'S:') lines.pop();
    return lines.map((line) => `${time} ${side} ${line.replaceAll(/\p{Cc}/gu, '?')}`);
  }

  #add(side: Entry['side'], text: string): void {
    const entry = { at: performance.now(), side, text };
    const size = text.length + LINE;
    if (this.#tailSize === 0 && !this.#cut && this.#headSize + size <= HEAD) {
      this.#headSize += size;
      this.#head.push(entry);
      return;
    }
    this.#tail.push(entry);
    this.#tailSize += size;
    while (this.#tailSize > TAIL) {
      this.#tailSize -= (this.#tail[this.#gone]?.text.length ?? 0) + LINE;
      this.#gone++;
      this.#cut = true;
    }
    if (this.#gone < 1000) return;
    this.#tail = this.#tail.slice(this.#gone);
    this.#gone = 0;
  }
}
