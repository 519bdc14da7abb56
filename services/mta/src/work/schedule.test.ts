import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextAttempt, parseSchedule } from './schedule.ts';

const steps = parseSchedule('300,600,1200,2400,3600');

test('attempts are 5, 10, 20, 40, then 60 to 70 minutes apart', () => {
  const minutes = (attempts: number, random: number): number => {
    const next = nextAttempt(steps, attempts, 0, 1, random);
    return next.kind === 'retry' ? next.delayMs / 60_000 : -1;
  };
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 100].map((n) => minutes(n, 0)),
    [5, 10, 20, 40, 60, 60, 60],
  );
  assert.ok(minutes(9, 0.999) > 69 && minutes(9, 0.999) <= 70);
});

test('nothing is tried again after its end', () => {
  assert.deepEqual(nextAttempt(steps, 0, 1000, 1000, 0), { kind: 'expire' });
  assert.equal(nextAttempt(steps, 0, 999, 1000, 0).kind, 'retry');
});

test('a schedule is a list of seconds', () => {
  assert.deepEqual(parseSchedule('1, 2.5'), [1, 2.5]);
  for (const bad of ['', 'x', '1,', '-1', '1,99999999']) assert.throws(() => parseSchedule(bad), RangeError);
});
