import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Sweeper } from './sweep.ts';

test('sweeping goes on by itself, and a job that fails stops no other', async () => {
  const heard: string[] = [];
  let runs = 0;
  const twice = Promise.withResolvers<void>();
  await using _sweeper = new Sweeper({
    everyMs: 1,
    jobs: [
      { name: 'bad', run: () => Promise.reject(new Error('no')) },
      {
        name: 'good',
        run: () => {
          if (++runs === 2) twice.resolve();
          return Promise.resolve(runs);
        },
      },
    ],
    onSwept: (name, count) => void heard.push(`${name} ${count}`),
    onTrouble: (name) => void heard.push(`${name} failed`),
  });
  // The sweeper's own timer keeps no process alive; this one does.
  const alive = setInterval(() => undefined, 1000);
  await twice.promise;
  clearInterval(alive);
  assert.deepEqual(heard.slice(0, 3), ['bad failed', 'good 1', 'bad failed']);
});

test('closing waits for the job in hand and starts no other', async () => {
  const begun = Promise.withResolvers<void>();
  const job = Promise.withResolvers<number>();
  const heard: string[] = [];
  const sweeper = new Sweeper({
    everyMs: 3_600_000,
    jobs: [
      {
        name: 'slow',
        run: () => {
          begun.resolve();
          return job.promise;
        },
      },
      { name: 'never', run: () => Promise.resolve(1) },
    ],
    onSwept: (name) => void heard.push(name),
    onTrouble: (name) => void heard.push(`${name} failed`),
  });
  const round = sweeper.sweep();
  await begun.promise;
  const closed = sweeper[Symbol.asyncDispose]();
  job.resolve(1);
  await Promise.all([round, closed]);
  assert.deepEqual(heard, ['slow']);
});
