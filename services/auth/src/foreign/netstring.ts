import { Garbage, type Incomplete } from './conversation.ts';

/** Netstrings: `5:hello,`. Pure. */
export interface Netstring {
  readonly data: Buffer;
  /** Octets with length, colon and comma. */
  readonly length: number;
}

/**
 * The netstring at the beginning of the octets.
 * @param most octets of data that it may have
 * @throws Garbage for what is none, or too long
 */
export function readNetstring(octets: Buffer, most: number): Netstring | Incomplete {
  const digits = String(most).length;
  const colon = octets.subarray(0, digits + 1).indexOf(0x3a);
  const prefix = octets.toString('latin1', 0, colon < 0 ? Math.min(octets.length, digits + 1) : colon);
  if (!/^(0|[1-9]\d*)?$/.test(prefix)) throw new Garbage('no netstring');
  if (colon < 0) {
    if (prefix.length > digits) throw new Garbage(`a request of more than ${most} octets`);
    return { need: octets.length + 1 };
  }
  const size = Number(prefix);
  if (prefix === '') throw new Garbage('no netstring');
  if (size > most) throw new Garbage(`a request of more than ${most} octets`);
  const length = colon + 1 + size + 1;
  if (octets.length < length) return { need: length };
  if (octets[length - 1] !== 0x2c) throw new Garbage('a netstring that does not end where it says');
  return { data: octets.subarray(colon + 1, colon + 1 + size), length };
}

/** @param text in UTF-8; its length is counted in octets */
export function netstring(text: string): string {
  return `${Buffer.byteLength(text)}:${text},`;
}
