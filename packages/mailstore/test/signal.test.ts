import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { findRedis, startRedis, testDatabase } from '@waybill/lab';
import { openPool } from '@waybill/postgres';
import { type ChangeSignal, openSignal } from '../src/index.ts';
import { Coalescer } from '../src/signal/coalescer.ts';

const db = await testDatabase([]);
const root = openPool(db.url, { size: 1 });
const open: ChangeSignal[] = [];
after(async () => {
  for (const signal of open) await signal.close();
  await root.end();
  await db[Symbol.asyncDispose]();
});

function opened(): ChangeSignal {
  const signal = openSignal({ postgresUrl: db.url });
  open.push(signal);
  return signal;
}

/** A subscription as a sequence of events to await. */
function wakes(signal: ChangeSignal, accountId: string) {
  let count = 0;
  const waiting: (() => void)[] = [];
  const stop = signal.subscribe(accountId, () => {
    count++;
    for (const each of waiting.splice(0)) each();
  });
  return {
    stop,
    get count() {
      return count;
    },
    next: () => new Promise<void>((resolve) => waiting.push(resolve)),
  };
}

test('a commit told in one process wakes the account in another, and no other account', async () => {
  const here = opened();
  const there = opened();
  const seven = wakes(there, '7');
  const eight = wakes(there, '8');
  await seven.next(); // connected
  const before = eight.count;
  const woken = seven.next();
  here.publish(['7', '9']);
  await woken;
  assert.equal(eight.count, before);
  eight.stop();
  seven.stop();
  const nine = wakes(there, '9');
  const again = nine.next();
  here.publish(['7', '8', '9']);
  await again;
  assert.equal(eight.count, before, 'unsubscribed');
});

test('a listener that lost its connection comes back and wakes everyone once', async () => {
  const here = opened();
  const there = opened();
  const account = wakes(there, '3');
  await account.next();
  const back = account.next();
  const { rowCount } = await root.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'waybill listener' and datname = current_database()",
  );
  assert.ok((rowCount ?? 0) > 0);
  await back;
  const woken = account.next();
  here.publish(['3']);
  await woken;
});

test('a broken subscriber keeps no other from waking', async () => {
  const signal = opened();
  signal.subscribe('4', () => {
    throw new Error('mine');
  });
  const account = wakes(signal, '4');
  await account.next();
  const woken = account.next();
  signal.publish(['4']);
  await woken;
});

// Without a Redis on this machine the same promises are kept over Postgres alone.
if (findRedis() !== undefined) {
  test('Redis that was killed and came back empty carries hints again', async () => {
    const mine = await startRedis();
    assert.ok(mine);
    const here = openSignal({ redis: mine.url });
    const there = openSignal({ redis: mine.url });
    open.push(here, there);
    const account = wakes(there, '3');
    await account.next();
    const woken = account.next();
    here.publish(['3']);
    await woken;
    const back = account.next();
    process.kill(mine.pid, 'SIGKILL');
    await mine.stop();
    const second = await startRedis({ port: Number(new URL(mine.url).port) });
    await back;
    const again = account.next();
    here.publish(['3']);
    await again;
    await second?.stop();
  });
}

test('a server that is away never fails the publisher', async () => {
  const signal = openSignal({ postgresUrl: 'postgres://nobody:x@127.0.0.1:1/none' });
  signal.subscribe('1', () => assert.fail('nothing can have come'));
  signal.publish(['1']);
  signal.publish(['2']);
  await signal.close();
  const redis = openSignal({ redis: 'redis://127.0.0.1:1' });
  redis.subscribe('1', () => assert.fail('nothing can have come'));
  redis.publish(['1']);
  await redis.close();
});

test('what comes while a hint is on its way goes together, each account once', async () => {
  const sent: string[][] = [];
  let arrived = (): void => undefined;
  let answer: (() => void) | undefined;
  const coalescer = new Coalescer((ids) => {
    sent.push([...ids]);
    arrived();
    return new Promise((resolve) => (answer = resolve));
  }, 1);
  coalescer.add(['1']);
  coalescer.add(['2', '3']);
  coalescer.add(['2']);
  assert.deepEqual(sent, [['1']]);
  const second = new Promise<void>((resolve) => (arrived = resolve));
  answer?.();
  await second;
  assert.deepEqual(sent[1], ['2', '3']);
  coalescer.add(['4']);
  answer?.();
  const closed = coalescer.close();
  const third = new Promise<void>((resolve) => (arrived = resolve));
  if (sent.length < 3) await third;
  answer?.();
  await closed;
  assert.deepEqual(sent[2], ['4']);
});

test('many accounts are split into messages that fit', async () => {
  const sent: number[] = [];
  const coalescer = new Coalescer((ids) => {
    sent.push(ids.join(',').length);
    return Promise.resolve();
  }, 1);
  coalescer.add(Array.from({ length: 1000 }, (_, i) => String(9_000_000_000_000_000_000n + BigInt(i))));
  await coalescer.close();
  assert.equal(sent.length, 3);
  assert.ok(sent.every((length) => length < 8000));
});
