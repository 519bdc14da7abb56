import assert from 'node:assert/strict';
import test from 'node:test';
import { rankSum } from './rank-sum.ts';

test('samples of one distribution do not differ, shifted ones do', () => {
  const wave = (n: number, shift: number): number[] =>
    Array.from({ length: n }, (_, i) => ((i * 7919) % 997) / 997 + shift);
  assert.ok(rankSum(wave(500, 0), wave(500, 0).toReversed()).p > 0.99);
  assert.ok(rankSum(wave(500, 0), wave(500, 0.1)).p < 0.001);
});

test('the figures of a small example with ties, computed another way', () => {
  // U counted pair by pair; p by the error function.
  const a = [1.1, 2.2, 3.3, 3.3, 4.4, 5.5, 6.6, 7.7, 8.8, 9.9];
  const b = [5.5, 6.7, 7.8, 8.9, 9.9, 10.1, 11.2, 12.3, 13.4, 14.5];
  const { u, p } = rankSum(a, b);
  assert.equal(u, 11.0);
  assert.ok(Math.abs(p - 0.003573) < 1e-6, String(p));
});
