/** Counts line ends in ranges of one buffer; ranges that lie in each other are not read again for each. */
import type { Range } from './contract.ts';

const LF = 10;
/** Line ends are added up per block of so many octets. */
const BLOCK = 65_536;

/** Line ends in a range. */
export function countLines(buffer: Buffer, range: Range): number {
  const view = buffer.subarray(range.start, range.end);
  let lines = 0;
  for (let at = view.indexOf(LF); at !== -1; at = view.indexOf(LF, at + 1)) lines++;
  return lines;
}

export class LineCounter {
  readonly #buffer: Buffer;
  /** Line ends before each block; made when a large range is first asked for. */
  #before: Uint32Array | undefined;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  /** As countLines. Once over the buffer, and then at most two blocks per range. */
  count({ start, end }: Range): number {
    if (end - start <= 2 * BLOCK) return countLines(this.#buffer, { start, end });
    const before = (this.#before ??= this.#add());
    const first = Math.ceil(start / BLOCK);
    const last = Math.floor(end / BLOCK);
    return (
      countLines(this.#buffer, { start, end: first * BLOCK }) +
      (before[last]! - before[first]!) +
      countLines(this.#buffer, { start: last * BLOCK, end })
    );
  }

  #add(): Uint32Array {
    const blocks = Math.floor(this.#buffer.length / BLOCK);
    const before = new Uint32Array(blocks + 1);
    for (let block = 0; block < blocks; block++) {
      const start = block * BLOCK;
      before[block + 1] = before[block]! + countLines(this.#buffer, { start, end: start + BLOCK });
    }
    return before;
  }
}
