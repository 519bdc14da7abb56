import assert from 'node:assert/strict';
import test from 'node:test';
import pg from 'pg';
import { Batcher } from './batcher.ts';

test('a lone item goes at once; what waited meanwhile goes together', async () => {
  const calls: number[][] = [];
  let release: (() => void) | undefined;
  const batcher = new Batcher<number, number>({
    run: async (items) => {
      calls.push([...items]);
      if (calls.length === 1) await new Promise<void>((resolve) => (release = resolve));
      return items.map((item) => item * 2);
    },
  });
  const first = batcher.add(1);
  await new Promise((resolve) => setImmediate(resolve));
  const rest = [batcher.add(2), batcher.add(3), batcher.add(4)];
  release?.();
  assert.deepEqual(await Promise.all([first, ...rest]), [2, 4, 6, 8]);
  assert.deepEqual(calls, [[1], [2, 3, 4]]);
});

test('a batch that fails for one item is tried item by item', async () => {
  const batcher = new Batcher<number, string>({
    retryEach: () => true,
    run: (items) =>
      items.includes(2) ? Promise.reject(new Error('bad item')) : Promise.resolve(items.map(String)),
  });
  const results = await Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)));
  assert.deepEqual(
    results.map((result) =>
      result.status === 'fulfilled' ? result.value : (result.reason as Error).message,
    ),
    ['1', 'bad item', '3'],
  );
});

test('a lost connection rejects the whole batch at once', async () => {
  let calls = 0;
  const batcher = new Batcher<number, string>({
    run: () => {
      calls++;
      return Promise.reject(new Error('Connection terminated unexpectedly'));
    },
  });
  const results = await Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)));
  assert.ok(results.every((result) => result.status === 'rejected'));
  assert.equal(calls, 1);
});

test('limits of count and octets split a batch', async () => {
  const sizes: number[] = [];
  const batcher = new Batcher<number, number>({
    limit: 3,
    maxBytes: 10,
    sizeOf: (item) => item,
    run: (items) => {
      sizes.push(items.length);
      return Promise.resolve([...items]);
    },
  });
  await Promise.all([4, 4, 4, 20, 1, 1, 1, 1].map((item) => batcher.add(item)));
  assert.deepEqual(sizes, [2, 1, 1, 3, 1]);
});

test('a statement error of Postgres counts as an item fault, a shutdown does not', async () => {
  const { isItemFault } = await import('./batcher.ts');
  const fault = (code: string): pg.DatabaseError =>
    Object.assign(new pg.DatabaseError('x', 1, 'error'), { code });
  assert.equal(isItemFault(fault('23505')), true);
  assert.equal(isItemFault(fault('57P01')), false);
  assert.equal(isItemFault(new Error('socket')), false);
});
