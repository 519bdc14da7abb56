/** What a sequence set means in a mailbox as it stands: RFC 3501 §9 `sequence-set`, §6.4.8. */
import type { NumberSet } from './command.ts';

export type NumberRange = readonly [low: number, high: number];

/**
 * The set as ranges in ascending order that neither touch nor overlap, "*" replaced by `highest`: the number
 * of messages, or the highest UID. With highest 0 (an empty mailbox) "*" stands for nothing. `saved` is what
 * "$" stands for. Ranges may reach beyond `highest`: for UIDs that is no error, for message numbers it is.
 */
export function resolveNumberSet(
  set: NumberSet,
  highest: number,
  saved: readonly NumberRange[] = [],
): NumberRange[] {
  if (set === '$') return [...saved];
  const ranges: NumberRange[] = [];
  for (const [first, last] of set) {
    if (last !== Number.POSITIVE_INFINITY) ranges.push([first, last]);
    else if (highest === 0) continue;
    else if (first === Number.POSITIVE_INFINITY) ranges.push([highest, highest]);
    // "559:*" holds the highest even when that is below 559.
    else ranges.push([Math.min(first, highest), Math.max(first, highest)]);
  }
  ranges.sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [low, high] of ranges) {
    const last = merged[merged.length - 1];
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else merged.push([low, high]);
  }
  return merged;
}

/**
 * Places (from 0, ascending) of the messages that a set of UIDs names, among `uids` in ascending order. UIDs
 * that are not there are passed over silently, RFC 3501 §6.4.8.
 */
export function placesOfUids(
  set: NumberSet,
  uids: readonly number[],
  saved?: readonly NumberRange[],
): number[] {
  const places: number[] = [];
  for (const [low, high] of resolveNumberSet(set, uids[uids.length - 1] ?? 0, saved)) {
    for (let place = firstAtLeast(uids, low); place < uids.length && uids[place]! <= high; place += 1) {
      places.push(place);
    }
  }
  return places;
}

/**
 * Places (from 0, ascending) of the messages that a set of message numbers names in a mailbox of `count`
 * messages; null when it names one that does not exist, which deserves BAD.
 */
export function placesOfNumbers(
  set: NumberSet,
  count: number,
  saved?: readonly NumberRange[],
): number[] | null {
  const ranges = resolveNumberSet(set, count, saved);
  if ((ranges[ranges.length - 1]?.[1] ?? 0) > count) return null;
  const places: number[] = [];
  for (const [low, high] of ranges)
    for (let number = low; number <= high; number += 1) places.push(number - 1);
  return places;
}

/** Index of the first element ≥ value in an ascending list; its length when there is none. */
function firstAtLeast(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
