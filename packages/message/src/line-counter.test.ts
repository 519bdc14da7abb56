import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countLines, LineCounter } from './line-counter.ts';
import { summarise } from './summary.ts';

test('counts as if each range were read', () => {
  const buffer = Buffer.alloc(700_000);
  for (let at = 0; at < buffer.length; at++) buffer[at] = (at * 7919) % 13 === 0 ? 10 : 120;
  const counter = new LineCounter(buffer);
  for (const [start, end] of [
    [0, 700_000],
    [0, 0],
    [1, 200_000],
    [65_536, 393_216],
    [65_535, 393_217],
    [130_000, 699_999],
    [699_000, 700_000],
  ] as const)
    assert.equal(counter.count({ start, end }), countLines(buffer, { start, end }), `${start}-${end}`);
});

test('messages inside each other cost little more than one', () => {
  const text = 'x\r\n'.repeat(1_500_000);
  const took = (message: string): number => {
    const buffer = Buffer.from(message);
    const from = performance.now();
    summarise(buffer);
    return performance.now() - from;
  };
  took(`\r\n${text}`);
  const one = took(`\r\n${text}`);
  const many = took(`${'Content-Type: message/rfc822\r\n\r\n'.repeat(48)}\r\n${text}`);
  assert.ok(many < 10 * one + 100, `${many.toFixed()} ms instead of ${one.toFixed()}`);
});
