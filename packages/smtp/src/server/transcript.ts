/** A conversation keeps this much of its beginning and, when it is longer, of its end. */
const HEAD = 16_384;
const TAIL = 49_152;

/**
 * The record of a conversation: `C:` and `S:` lines with milliseconds since it began. Bounded to 64 KiB;
 * messages are only measured; secrets never come here, the engine writes `***` in their place.
 */
export class Transcript {
  readonly #began = performance.now();
  #head = '';
  #tail = '';
  #cut = false;

  client(line: string): void {
    this.#add(`${this.#elapsed()} C: ${line}\n`);
  }

  server(text: string): void {
    const lines = text.split('\r\n');
    lines.pop();
    const at = this.#elapsed();
    for (const line of lines) this.#add(`${at} S: ${line}\n`);
  }

  note(text: string): void {
    this.#add(`${this.#elapsed()} -- ${text}\n`);
  }

  /** Control characters of the client show as `?`. */
  text(): string {
    const whole =
      this.#tail.length <= TAIL && !this.#cut
        ? this.#head + this.#tail
        : `${this.#head}[…]\n${lastLines(this.#tail)}`;
    return whole.replaceAll(/[^\P{Cc}\n]/gu, '?');
  }

  #elapsed(): string {
    return String(Math.round(performance.now() - this.#began)).padStart(6);
  }

  #add(line: string): void {
    if (this.#head.length + line.length <= HEAD && this.#tail === '') {
      this.#head += line;
      return;
    }
    this.#tail += line;
    if (this.#tail.length > TAIL * 2) {
      this.#tail = lastLines(this.#tail);
      this.#cut = true;
    }
  }
}

function lastLines(text: string): string {
  if (text.length <= TAIL) return text;
  return text.slice(text.indexOf('\n', text.length - TAIL) + 1);
}
