import assert from 'node:assert/strict';
import test from 'node:test';
import { KickLimiter } from './kick.ts';

test('a burst sends its first kick at once and its last when the interval is over', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 1000;
  t.mock.method(performance, 'now', () => now);
  const pass = (ms: number): void => {
    for (let i = 0; i < ms; i++) {
      now++;
      t.mock.timers.tick(1);
    }
  };
  const sent: [number, string][] = [];
  const limiter = new KickLimiter((destination) => sent.push([now - 1000, destination]));
  for (let i = 0; i < 10; i++) {
    limiter.kick('a');
    limiter.kick('b');
  }
  assert.deepEqual(sent, [
    [0, 'a'],
    [0, 'b'],
  ]);
  pass(200);
  assert.equal(sent.filter(([, destination]) => destination === 'a').length, 2);
  assert.ok(
    sent.every(([at]) => at === 0 || (at >= 50 && at <= 100)),
    JSON.stringify(sent),
  );
  limiter.kick('a');
  assert.deepEqual(sent.at(-1), [200, 'a'], 'after a quiet interval a kick goes at once');
});

test('a steady stream reaches the backend at most once per interval', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const sent: number[] = [];
  const limiter = new KickLimiter(() => sent.push(now));
  for (; now < 1000; now++) {
    t.mock.timers.tick(1);
    limiter.kick('a');
  }
  assert.ok(sent.length >= 10 && sent.length <= 20, String(sent.length));
  for (let i = 1; i < sent.length; i++) assert.ok(sent[i]! - sent[i - 1]! >= 50);
});

test('flush sends what still waits', () => {
  const sent: string[] = [];
  const limiter = new KickLimiter((destination) => sent.push(destination));
  for (const destination of ['a', 'b', 'a']) limiter.kick(destination);
  limiter.flush();
  assert.deepEqual(sent, ['a', 'b', 'a']);
});

test('memory is bounded: destinations beyond the room are dropped', () => {
  const limiter = new KickLimiter(() => undefined);
  const verdicts = Array.from({ length: 10_001 }, (_, i) => limiter.kick(`d${i}`));
  assert.equal(verdicts.filter((verdict) => verdict === 'dropped').length, 1);
  limiter.flush();
});
