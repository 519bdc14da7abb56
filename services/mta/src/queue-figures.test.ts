import assert from 'node:assert/strict';
import { test } from 'node:test';
import { queueFigures } from './queue-figures.ts';

const figures = { queued: 3, due: 2, leased: 1, oldestDueSeconds: 0.5 };

test('one reading serves all gauges of a scrape', async () => {
  let read = 0;
  const of = queueFigures(async () => {
    read += 1;
    return figures;
  });
  assert.deepEqual(await Promise.all([of('queued'), of('due'), of('oldestDueSeconds')]), [3, 2, 0.5]);
  assert.equal(read, 1);
});

test('a database that fails gives no number', async () => {
  assert.equal(await queueFigures(() => Promise.reject(new Error('away')))('queued'), Number.NaN);
});

test('a database that is silent holds no scrape up', async () => {
  const of = queueFigures(() => new Promise(() => undefined), 1);
  assert.deepEqual(await Promise.all([of('queued'), of('due')]), [Number.NaN, Number.NaN]);
});
