/** `sequence-set` of RFC 3501 §9: numbers and ranges of message numbers or UIDs, "*" for the highest. */
import type { NumberSet } from '../command.ts';
import { OCTET } from '../octet-class.ts';
import type { Scanner } from '../scanner.ts';
import { nonZeroNumber } from './number.ts';

/** Reads a set; "*" becomes Infinity and every range is turned so that low ≤ high. */
export function numberSet(scanner: Scanner): NumberSet {
  const ranges: (readonly [number, number])[] = [];
  do {
    const first = bound(scanner);
    const second = scanner.tryOctet(OCTET.colon) ? bound(scanner) : first;
    // RFC 3501 §9 seq-range: 2:4 and 4:2 are the same range.
    ranges.push(first <= second ? [first, second] : [second, first]);
  } while (scanner.tryOctet(OCTET.comma));
  return ranges;
}

function bound(scanner: Scanner): number {
  if (scanner.tryOctet(OCTET.star)) return Number.POSITIVE_INFINITY;
  return nonZeroNumber(scanner, 'a message number or "*"');
}
