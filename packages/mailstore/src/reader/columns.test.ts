import assert from 'node:assert/strict';
import test from 'node:test';
import { decodeByteas, decodeKeywords, decodeNumbers } from './columns.ts';

test('numbers come out of an array as they went in', () => {
  assert.deepEqual(decodeNumbers('{0,7,-12,9007199254740991}'), [0, 7, -12, Number.MAX_SAFE_INTEGER]);
  assert.deepEqual(decodeNumbers('{5}'), [5]);
  assert.deepEqual(decodeNumbers('{}'), []);
  assert.deepEqual(decodeNumbers(null), []);
});

test('octets come out of a binary array as they went in', () => {
  const element = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  const header = Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 2, 0, 0, 0, 1]);
  const packed = Buffer.concat([header, element(Buffer.from([1, 2])), element(Buffer.alloc(0))]);
  assert.deepEqual(decodeByteas(packed), [Buffer.from([1, 2]), Buffer.alloc(0)]);
  assert.deepEqual(decodeByteas(null), []);
});

test('keywords stand beside the messages that have some', () => {
  assert.deepEqual(decodeKeywords([3, 4], { 4: ['a'] }), [undefined, ['a']]);
  assert.deepEqual(decodeKeywords([3], null), [undefined]);
});
