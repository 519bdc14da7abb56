import { Garbage, type Incomplete } from './conversation.ts';

/** Lines that end with LF, bounded, over octets. Pure. */
export interface Line {
  readonly text: string;
  /** Octets with the LF. */
  readonly length: number;
}

/**
 * The line at the beginning of the octets.
 * @param most octets that it may have, the LF included
 * @throws Garbage where it has more, or a NUL
 */
export function readLine(octets: Buffer, most: number): Line | Incomplete {
  const end = octets.subarray(0, most).indexOf(0x0a);
  if (end < 0) {
    if (octets.length >= most) throw new Garbage(`a line of more than ${most} octets`);
    return { need: octets.length + 1 };
  }
  const text = octets.toString('utf8', 0, end);
  if (text.includes('\0')) throw new Garbage('a NUL in a line');
  return { text, length: end + 1 };
}
