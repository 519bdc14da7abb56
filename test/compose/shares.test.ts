import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sample } from './client/sample.ts';
import { sharesOfNew } from './shares.ts';

const SESSIONS = 'waybill_sessions_total{door="smtp"}';

/** One replica's samples, once a second from `from` for `seconds`, counting `rate` a second from `start`. */
function replica(address: string, from: number, seconds: number, rate: number, start = 0): Sample[] {
  return Array.from({ length: seconds + 1 }, (_, i) => ({
    at: (from + i) * 1000,
    agent: 'mx',
    address,
    ready: true,
    startedAt: from,
    counters: { [SESSIONS]: start + rate * i, waybill_mx_messages_total: 7 },
  }));
}

test('a new replica that works as much as the old one has its fair share', () => {
  const [share] = sharesOfNew(
    [...replica('a', 0, 100, 4, 1000), ...replica('b', 50, 50, 4)],
    'mx',
    40_000,
    60_000,
  );
  assert.equal(share?.address, 'b');
  assert.equal(share.own, 120);
  assert.equal(share.total, 240);
  assert.equal(share.ofFairShare, 1);
});

test('a replica that starves is told from one that was never there', () => {
  const samples = [...replica('a', 0, 100, 8, 50), ...replica('b', 50, 50, 0)];
  assert.deepEqual(
    sharesOfNew(samples, 'mx', 40_000, 60_000).map((share) => [share.address, share.ofFairShare]),
    [['b', 0]],
  );
  assert.deepEqual(sharesOfNew(samples, 'mx', 60_001, 90_000), []);
});

test('a new process behind an old address is a new replica', () => {
  const samples = [...replica('a', 0, 40, 3, 500), ...replica('a', 50, 50, 3), ...replica('b', 0, 100, 3)];
  const [share] = sharesOfNew(samples, 'mx', 45_000, 60_000);
  assert.equal(share?.own, 90);
  assert.equal(share.ofFairShare, 1);
});

test('what left in the window still counts for what all did', () => {
  const [share] = sharesOfNew([...replica('a', 0, 60, 6), ...replica('b', 50, 50, 2)], 'mx', 40_000, 60_000);
  // a: 10 s × 6, b: 30 s × 2; ready on average 1 + 11/31 replicas.
  assert.equal(share?.total, 120);
  assert.ok(share.ofFairShare > 0.6 && share.ofFairShare < 0.7, String(share.ofFairShare));
});
