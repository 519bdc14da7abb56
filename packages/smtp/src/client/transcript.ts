import type { Reply } from '../reply.ts';

/** Characters of one session that are kept. */
const LIMIT = 64 * 1024;

/** What was said in a session, bounded, times in ms since its start; credentials never get here. */
export class Transcript {
  readonly #startedAt = performance.now();
  #text = '';

  command(lines: string): void {
    for (const line of lines.split('\r\n')) if (line !== '') this.#add('C:', line);
  }

  content(octets: number): void {
    this.#add('C:', `... ${octets} octets ...`);
  }

  reply(reply: Reply): void {
    const last = reply.lines.length - 1;
    const enhanced = reply.enhanced === '' ? '' : `${reply.enhanced} `;
    reply.lines.forEach((line, i) =>
      this.#add('S:', `${reply.code}${i === last ? ' ' : '-'}${enhanced}${line}`),
    );
  }

  note(text: string): void {
    this.#add('*', text);
  }

  get text(): string {
    return this.#text;
  }

  #add(who: string, line: string): void {
    if (this.#text.length > LIMIT) return;
    const at = (performance.now() - this.#startedAt).toFixed(0).padStart(6);
    this.#text += `${at} ${who} ${line.slice(0, 1000)}\n`;
    if (this.#text.length > LIMIT) this.#text += '       * the rest was cut\n';
  }
}
