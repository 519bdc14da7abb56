import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LineReader, type Line } from './line-reader.ts';

function lines(pieces: readonly Buffer[]): (string | null)[] {
  const reader = new LineReader();
  const found: string[] = [];
  for (const piece of pieces) {
    reader.feed(piece);
    for (let line: Line | null = reader.next(); line !== null; line = reader.next()) {
      found.push(typeof line === 'string' ? `!${line}` : line.toString('latin1'));
    }
  }
  return found;
}

test('lines end with CRLF', () => {
  assert.deepEqual(lines([Buffer.from('STAT\r\n\r\nNOOP\nUIDL\r\nhalf')]), ['STAT', '', '!no-crlf', 'UIDL']);
});

test('an overlong line is one mistake, an endless one the last', () => {
  const long = 'x'.repeat(12_287);
  assert.deepEqual(lines([Buffer.from(`${long}\r\nNOOP\r\n`)]), ['!too-long', 'NOOP']);
  const endless = Array.from({ length: 70 }, () => Buffer.alloc(1_000, 'x'));
  assert.deepEqual(lines([...endless, Buffer.from('\r\nNOOP\r\n')]), ['!endless']);
});

test('the cuts change nothing', () => {
  const traffic = fc.array(fc.constantFrom('STAT', '\r\n', '\n', '\r', ' ', 'x'.repeat(7_000)), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(traffic, fc.array(fc.nat(20_000)), (words, cuts) => {
      const octets = Buffer.from(words.join(''));
      const ends = [...cuts, octets.length]
        .map((cut) => Math.min(cut, octets.length))
        .toSorted((a, b) => a - b);
      const pieces = ends.map((end, index) => octets.subarray(ends[index - 1] ?? 0, end));
      assert.deepEqual(lines(pieces), lines([octets]));
    }),
    { numRuns: 500 },
  );
});
