import assert from 'node:assert/strict';
import test from 'node:test';
import { HashQueue, HashQueueFull } from './hash-queue.ts';

test('no more than the allowed number run at a time, in the order they came', async () => {
  const queue = new HashQueue({ parallel: 2, maxWaitMs: 1000 });
  let running = 0;
  let most = 0;
  const began: number[] = [];
  const gates: (() => void)[] = [];
  const jobs = [0, 1, 2, 3, 4].map((n) =>
    queue.run(async () => {
      began.push(n);
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => gates.push(resolve));
      running--;
      return n;
    }),
  );
  assert.equal(queue.depth, 3);
  for (let done = 0; done < 5; done++) {
    while (gates.length === 0) await new Promise((resolve) => setImmediate(resolve));
    gates.shift()!();
  }
  assert.deepEqual(await Promise.all(jobs), [0, 1, 2, 3, 4]);
  assert.deepEqual(began, [0, 1, 2, 3, 4]);
  assert.equal(most, 2);
  assert.equal(queue.depth, 0);
});

test('a job that would wait too long is refused at once, and places are given back after failures', async () => {
  const queue = new HashQueue({ parallel: 1, maxWaitMs: 100 });
  let release: () => void = () => undefined;
  const held = queue.run(() => new Promise<void>((resolve) => (release = resolve)));
  const failing = queue.run(() => Promise.reject(new Error('broken')));
  const last = queue.run(() => Promise.resolve('ran'));
  // At 50 ms each the first guess, two may wait 100 ms; a third may not.
  await assert.rejects(
    queue.run(() => Promise.resolve()),
    HashQueueFull,
  );
  release();
  await held;
  await assert.rejects(failing, /broken/);
  assert.equal(await last, 'ran');
  assert.equal(await queue.run(() => Promise.resolve('idle again')), 'idle again');
});
