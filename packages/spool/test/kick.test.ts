import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import test, { after, suite, type TestContext } from 'node:test';
import { Redis } from 'ioredis';
import { startRedis, testDatabase } from '@waybill/lab';
import { openPool } from '@waybill/postgres';
import type { Kicker } from '../src/contract.ts';
import { openKickQueue } from '../src/kick-backend.ts';
import { migrateKicks, openKicker, startKickWorker, type KickFigures, type KickWhere } from '../src/kick.ts';
import { spoolSchema } from '../src/schema.ts';
import { blobstoreSchema } from '@waybill/blobstore';

/** Handler calls as a queue that a test can wait on. */
class Calls {
  readonly all: string[] = [];
  readonly active = new Map<string, number>();
  most = 0;
  #waiting: (() => void)[] = [];
  hold: Promise<void> | undefined;
  fails = false;

  handler = async (destination: string): Promise<void> => {
    this.all.push(destination);
    const active = (this.active.get(destination) ?? 0) + 1;
    this.active.set(destination, active);
    this.most = Math.max(this.most, active);
    for (const resolve of this.#waiting.splice(0)) resolve();
    if (this.hold !== undefined) await this.hold;
    this.active.set(destination, this.active.get(destination)! - 1);
    if (this.fails) throw new Error('handler failed');
  };

  async reach(count: number, destination?: string): Promise<void> {
    const seen = (): number =>
      destination === undefined ? this.all.length : this.all.filter((each) => each === destination).length;
    while (seen() < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

function gate(): { promise: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, open: resolve };
}

interface Backend {
  /** As an accepting agent kicks, and as the mta works. */
  readonly producer: KickWhere;
  readonly worker: KickWhere;
  /** Cuts every connection; what lay in the queue may be lost. */
  breakAll(): Promise<void>;
}

function begin(
  t: TestContext,
  backend: Backend,
  concurrency = 4,
): { calls: Calls; kicker: Kicker & { figures: Readonly<KickFigures> }; errors: unknown[] } {
  const calls = new Calls();
  const errors: unknown[] = [];
  const worker = startKickWorker(
    backend.worker,
    { concurrency, onError: (error) => errors.push(error) },
    calls.handler,
  );
  const kicker = openKicker(backend.producer);
  t.after(async () => {
    await kicker.close();
    await worker.close();
  });
  return { calls, kicker, errors };
}

function kickSuite(name: string, backend: Backend): void {
  suite(`kicks over ${name}`, () => {
    test('a destination that is kicked all the time goes round among the workers', async (t) => {
      const queue = openKickQueue(backend.producer, () => undefined);
      t.after(() => queue.close());
      const turns = [0, 0];
      const { promise: enough, resolve: setEnough } = Promise.withResolvers<void>();
      for (const worker of [0, 1]) {
        const running = startKickWorker(backend.worker, { concurrency: 4 }, async () => {
          turns[worker]!++;
          // A worker may still be coming up while the other is at work; 400 turns without it are unfair.
          if (Math.min(...turns) >= 10 || turns[0]! + turns[1]! >= 400) return setEnough();
          // More comes while this is worked on: the kick is kept until it is done.
          await queue.add('local/0');
        });
        t.after(() => running.close());
      }
      await queue.add('local/0');
      await enough;
      assert.ok(Math.min(...turns) >= 10, `turns of the two: ${turns.join(' and ')}`);
    });

    test('a kick calls the handler with its destination, whatever is in the name', async (t) => {
      const { calls, kicker } = begin(t, backend);
      const names = [
        'blue.test',
        'local/3',
        '[IPv6:2001:db8::1]',
        '12345',
        `${'x'.repeat(250)}.test`,
        'ä:"\\',
      ];
      for (const destination of names) kicker.kick(destination);
      await calls.reach(names.length);
      assert.deepEqual(calls.all.toSorted(), names.toSorted());
    });

    test('kicks during a run make one more run, never two at a time', async (t) => {
      const { calls, kicker } = begin(t, backend);
      const door = gate();
      calls.hold = door.promise;
      kicker.kick('blue.test');
      await calls.reach(1);
      for (let i = 0; i < 100; i++) kicker.kick('blue.test');
      kicker.kick('other.test');
      await calls.reach(1, 'other.test');
      // The trailing kick of the burst has left this process when its figure says so.
      while (kicker.figures.sent < 3) await new Promise((resolve) => setImmediate(resolve));
      door.open();
      await calls.reach(2, 'blue.test');
      assert.equal(calls.most, 1);
      assert.ok(calls.all.filter((each) => each === 'blue.test').length <= 3);
    });

    test('a handler that throws is reported, and the next kick comes', async (t) => {
      const { calls, kicker, errors } = begin(t, backend);
      calls.fails = true;
      kicker.kick('bad.test');
      await calls.reach(1);
      calls.fails = false;
      while (errors.length === 0) await new Promise((resolve) => setImmediate(resolve));
      kicker.kick('bad.test');
      await calls.reach(2);
      assert.match(String(errors[0]), /handler failed/);
    });

    test('many destinations run side by side, up to the concurrency', async (t) => {
      const { calls, kicker } = begin(t, backend, 3);
      const door = gate();
      calls.hold = door.promise;
      for (let i = 0; i < 20; i++) kicker.kick(`d${i}.test`);
      await calls.reach(3);
      assert.equal(calls.all.length, 3);
      door.open();
      await calls.reach(20);
    });

    test('after the server was lost, kicks come through again', async (t) => {
      const { calls, kicker } = begin(t, backend);
      kicker.kick('before.test');
      await calls.reach(1);
      await backend.breakAll();
      // As the reconciler does: again and again until it arrives.
      const again = setInterval(() => kicker.kick('after.test'), 60);
      t.after(() => clearInterval(again));
      await calls.reach(1, 'after.test');
    });

    test('close waits for the kick in hand', async () => {
      const calls = new Calls();
      const door = gate();
      calls.hold = door.promise;
      // Room for a kick that the test before has left in the queue: it is held as well.
      const worker = startKickWorker(backend.worker, { concurrency: 4 }, calls.handler);
      const kicker = openKicker(backend.producer);
      kicker.kick('slow.test');
      await calls.reach(1, 'slow.test');
      let closed = false;
      const closing = worker.close().then(() => (closed = true));
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(closed, false);
      door.open();
      await closing;
      assert.equal(calls.active.get('slow.test'), 0);
      await kicker.close();
    });

    test('a kicker and a worker whose server is away: nothing thrown, nothing grown, closed in time', async () => {
      const nobody = net.createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
      await once(nobody, 'listening');
      const url = new URL(backend.producer.url);
      url.port = String((nobody.address() as net.AddressInfo).port);
      const where = { ...backend.producer, url: url.href };
      const kicker = openKicker(where);
      const worker = startKickWorker(where, { concurrency: 1 }, () => Promise.resolve());
      await once(nobody, 'connection');
      await once(nobody, 'connection');
      for (let i = 0; i < 3000; i++) kicker.kick(`d${i}.test`);
      await kicker.close();
      await worker.close();
      assert.equal(kicker.figures.sent, 0);
      assert.ok(kicker.figures.dropped >= 2000, String(kicker.figures.dropped));
      nobody.close();
    });
  });
}

const db = await testDatabase([blobstoreSchema, spoolSchema]);
await migrateKicks(db.url);
await migrateKicks(db.url);
const admin = openPool(db.url, { size: 1 });
after(async () => {
  await admin.end();
  await db[Symbol.asyncDispose]();
});
kickSuite('Postgres', {
  producer: { backend: 'postgres', url: db.urlAs('mx') },
  worker: { backend: 'postgres', url: db.urlAs('mta') },
  async breakAll() {
    await admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename in ('waybill_mx', 'waybill_mta')",
    );
  },
});

/** Grants of this file's own database: roles are the whole cluster's. */
function onDatabase(statement: string): string {
  return `do $$ begin execute format('${statement}', current_database()); end $$`;
}

test('a worker that starts before Postgres lets it in works when it does', async (t) => {
  await admin.query(onDatabase('grant connect on database %I to waybill_msa'));
  await admin.query(onDatabase('revoke connect on database %I from public'));
  const calls = new Calls();
  const worker = startKickWorker(
    { backend: 'postgres', url: db.urlAs('mta') },
    { concurrency: 1 },
    calls.handler,
  );
  const kicker = openKicker({ backend: 'postgres', url: db.urlAs('msa') });
  t.after(async () => {
    await kicker.close();
    await worker.close();
  });
  kicker.kick('early.test');
  while (kicker.figures.sent < 1) await new Promise((resolve) => setImmediate(resolve));
  await admin.query(onDatabase('grant connect on database %I to public'));
  await calls.reach(1, 'early.test');
});

test('agents that do not kick can not touch the queue', async () => {
  for (const agent of ['mda', 'mra', 'auth']) {
    const pool = openPool(db.urlAs(agent), { size: 1 });
    await assert.rejects(pool.query('select * from bullmq.job'), /permission denied/);
    await pool.end();
  }
});

const given = process.env['REDIS_URL'];
const own = given === undefined ? await startRedis() : undefined;
const redisUrl = given ?? own?.url;
if (redisUrl === undefined) {
  console.log(
    'NOT FOUND: redis-server or valkey-server (PATH), REDIS_URL: the kick suite ran over Postgres only',
  );
} else {
  after(() => own?.stop());
  kickSuite('Redis', {
    producer: { backend: 'redis', url: redisUrl },
    worker: { backend: 'redis', url: redisUrl },
    async breakAll() {
      const redis = new Redis(redisUrl);
      await redis.flushall();
      await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      redis.disconnect();
    },
  });

  if (own !== undefined) {
    test('Redis that is killed and started again empty: kicks come through again', async (t) => {
      const mine = await startRedis();
      assert.ok(mine);
      const where: KickWhere = { backend: 'redis', url: mine.url };
      const { calls, kicker } = begin(t, {
        producer: where,
        worker: where,
        breakAll: () => Promise.resolve(),
      });
      kicker.kick('before.test');
      await calls.reach(1);
      process.kill(mine.pid, 'SIGKILL');
      await mine.stop();
      kicker.kick('lost.test');
      const second = await startRedis({ port: Number(new URL(mine.url).port) });
      t.after(() => second?.stop());
      const again = setInterval(() => kicker.kick('after.test'), 60);
      t.after(() => clearInterval(again));
      await calls.reach(1, 'after.test');
    });
  }
}
