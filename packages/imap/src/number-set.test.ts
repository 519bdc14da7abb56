import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placesOfNumbers, placesOfUids, resolveNumberSet } from './number-set.ts';

const ALL = Number.POSITIVE_INFINITY;

test('ranges are sorted and joined, "*" is the highest', () => {
  assert.deepEqual(
    resolveNumberSet(
      [
        [7, 9],
        [1, 2],
        [3, 3],
        [8, 12],
        [ALL, ALL],
      ],
      20,
    ),
    [
      [1, 3],
      [7, 12],
      [20, 20],
    ],
  );
});

test('559:* holds the highest even when it is lower (RFC 3501 §6.4.8)', () => {
  assert.deepEqual(placesOfUids([[559, ALL]], [3, 5, 9]), [2]);
});

test('UIDs that are gone are passed over', () => {
  assert.deepEqual(
    placesOfUids(
      [
        [4, 5],
        [1, 1],
        [9, 4294967295],
      ],
      [2, 5, 7, 9, 30],
    ),
    [1, 3, 4],
  );
  assert.deepEqual(placesOfUids([[1, ALL]], []), []);
});

test('a message number that does not exist is told apart', () => {
  assert.deepEqual(placesOfNumbers([[2, ALL]], 4), [1, 2, 3]);
  assert.equal(placesOfNumbers([[4, 5]], 4), null);
  assert.equal(placesOfNumbers([[5, ALL]], 4), null);
  assert.equal(placesOfNumbers([[1, 4294967295]], 4), null);
  assert.deepEqual(placesOfNumbers([[ALL, ALL]], 0), []);
  assert.deepEqual(placesOfNumbers('$', 4, [[2, 3]]), [1, 2]);
});
