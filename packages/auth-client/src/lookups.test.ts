import assert from 'node:assert/strict';
import test from 'node:test';
import { Lookups } from './lookups.ts';

test('what comes in while all calls run goes together when one ends', async () => {
  const batches: string[][] = [];
  const gates: (() => void)[] = [];
  const lookups = new Lookups<string>({
    run: async (keys) => {
      batches.push([...keys]);
      await new Promise<void>((resolve) => gates.push(resolve));
      return keys.map((key) => key.toUpperCase());
    },
    lifeMs: () => 0,
    patienceMs: 1000,
    batch: 10,
    parallel: 1,
  });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const first = lookups.get('a');
  await turn();
  const rest = [lookups.get('b'), lookups.get('c'), lookups.get('a')];
  await turn();
  gates.shift()!();
  assert.equal(await first, 'A');
  await turn();
  gates.shift()!();
  assert.deepEqual(await Promise.all(rest.map(async (answer) => answer)), ['B', 'C', 'A']);
  assert.deepEqual(batches, [['a'], ['b', 'c']]); // the second "a" shared the first call
});

test('the answer unused for longest makes room', async () => {
  const asked: string[] = [];
  const lookups = new Lookups<string>({
    run: (keys) => (asked.push(...keys), Promise.resolve([...keys])),
    lifeMs: () => 60_000,
    patienceMs: 1000,
    batch: 1,
    entries: 2,
  });
  for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) await lookups.get(key);
  assert.deepEqual(asked, ['a', 'b', 'c', 'b']);
  assert.equal(lookups.size, 2);
});

test('names of every object are keys like others', async () => {
  const lookups = new Lookups<string>({
    run: (keys) => Promise.resolve([...keys]),
    lifeMs: () => 60_000,
    patienceMs: 1000,
    batch: 10,
  });
  for (const key of ['__proto__', 'constructor', 'toString']) assert.equal(await lookups.get(key), key);
});
