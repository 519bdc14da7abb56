import assert from 'node:assert/strict';
import test from 'node:test';
import { decodeKeywords, decodeNumbers } from './columns.ts';

test('numbers come out of an array as they went in', () => {
  assert.deepEqual(decodeNumbers('{0,7,-12,9007199254740991}'), [0, 7, -12, Number.MAX_SAFE_INTEGER]);
  assert.deepEqual(decodeNumbers('{5}'), [5]);
  assert.deepEqual(decodeNumbers('{}'), []);
  assert.deepEqual(decodeNumbers(null), []);
});

test('keywords stand beside the messages that have some', () => {
  assert.deepEqual(decodeKeywords([3, 4], { 4: ['a'] }), [undefined, ['a']]);
  assert.deepEqual(decodeKeywords([3], null), [undefined]);
});
