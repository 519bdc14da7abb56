/** `number` and `nz-number` of RFC 3501 §9: unsigned 32 bit. */
import { DIGIT } from '../octet-class.ts';
import type { Scanner } from '../scanner.ts';

const MAX = 4_294_967_295;

/** 0 to 4,294,967,295. */
export function number(scanner: Scanner, wanted = 'a number'): number {
  const start = scanner.offset;
  const digits = scanner.expectRun(DIGIT, wanted);
  const value = Number(digits);
  if (value > MAX) scanner.fail(`${wanted} of 32 bits`, start);
  return value;
}

/** 1 to 4,294,967,295. */
export function nonZeroNumber(scanner: Scanner, wanted = 'a number above zero'): number {
  const start = scanner.offset;
  const value = number(scanner, wanted);
  if (value === 0) scanner.fail(wanted, start);
  return value;
}

/** Exactly `count` digits. */
export function fixedDigits(scanner: Scanner, count: number, wanted: string): number {
  const start = scanner.offset;
  const digits = scanner.takeRun(DIGIT);
  if (digits.length !== count) scanner.fail(wanted, start);
  return Number(digits);
}
