import assert from 'node:assert/strict';
import test, { after, beforeEach } from 'node:test';
import { openBlobstore } from '@waybill/blobstore';
import { openSpoolUpkeep } from '../src/upkeep.ts';
import { openSpoolWork } from '../src/work.ts';
import { draft, openBed, recipient } from './spool-bed.ts';

const bed = await openBed();
after(() => bed[Symbol.asyncDispose]());
const work = openSpoolWork(bed.mta, openBlobstore(bed.mta));
const upkeep = openSpoolUpkeep(bed.mta);
const sweepNow = openSpoolUpkeep(bed.mta, { graceMs: 0 });

beforeEach(async () => {
  await bed.admin.query('truncate spool.msg, spool.rcpt');
});

/** Fills the spool without going through accept: a backlog in one statement. */
function backlog(count: number, destinations: number, dueInSeconds = -1): Promise<unknown> {
  return bed.admin.query(
    `with m as (insert into spool.msg (spool_id, origin, return_path, smtputf8, body, size, hops, expires_at)
       select gen_random_uuid(), 1, '', false, 'x', 1, 0, now() + interval '5 d' from generate_series(1, $1::int) returning spool_id),
     n as (select spool_id, row_number() over () as i from m)
     insert into spool.rcpt (spool_id, rcpt_no, delivery_id, address, notify, destination, next_at)
     select spool_id, 1, gen_random_uuid(), 'x@y.test', 0, 'd' || (i % $2::int) || '.test', now() + make_interval(secs => $3)
       from n`,
    [count, destinations, dueInSeconds],
  );
}

test('due destinations: each once, none that only waits', async () => {
  await backlog(30, 3);
  await bed.accept.accept(draft({ recipients: [recipient({ destination: 'leased.test' })] }));
  await work.claim('leased.test', 1, 'w');
  const waiting = draft({ recipients: [recipient({ destination: 'waits.test' })] });
  await bed.accept.accept(waiting);
  await bed.admin.query("update spool.rcpt set next_at = now() + interval '1 h' where spool_id = $1", [
    waiting.id,
  ]);
  assert.deepEqual((await upkeep.dueDestinations(100)).toSorted(), ['d0.test', 'd1.test', 'd2.test']);
  assert.equal((await upkeep.dueDestinations(2)).length, 2);
});

test('a backlog of one destination hides no other', async () => {
  await backlog(2000, 1, -100);
  await bed.accept.accept(draft({ recipients: [recipient({ destination: 'small.test' })] }));
  assert.deepEqual((await upkeep.dueDestinations(100)).toSorted(), ['d0.test', 'small.test']);
});

test('more due destinations than one look takes are all found in a few rounds', async () => {
  await backlog(1500, 1500);
  const seen = new Set<string>();
  for (let round = 0; round < 8; round++)
    for (const destination of await upkeep.dueDestinations(600)) seen.add(destination);
  assert.equal(seen.size, 1500);
});

test('the next due row of any destination says how long to sleep', async () => {
  assert.equal(await upkeep.nextDueMs(5000), 5000);
  await backlog(1, 1, 2);
  const ms = await upkeep.nextDueMs(5000);
  assert.ok(ms > 1000 && ms <= 2000, String(ms));
  await backlog(1, 1, -5);
  assert.equal(await upkeep.nextDueMs(5000), 0);
  assert.ok((await upkeep.figures()).oldestDueSeconds >= 5);
});

test('a message is swept when all its recipients are closed, and not before', async () => {
  const item = draft({ recipients: [recipient(), recipient({ address: 'c@blue.test' })] });
  await bed.accept.accept(item);
  const claims = await work.claim('blue.test', 2, 'w');
  const finish = (i: number): Promise<boolean> =>
    work.finish({ kind: 'delivered', claim: claims[i]!, code: '250', text: 'ok', peer: 'p' });
  await finish(0);
  assert.equal(await sweepNow.sweep(), 0);
  await finish(1);
  assert.equal(await upkeep.sweep(), 0, 'still within the grace period');
  assert.equal(await sweepNow.sweep(), 1);
  assert.equal((await bed.admin.query('select from spool.rcpt')).rowCount, 0);
  assert.equal((await bed.admin.query('select from spool.msg')).rowCount, 0);
});

test('a sweep goes over more than a page and leaves what waits among it', async () => {
  await backlog(1300, 2);
  await bed.admin.query("update spool.rcpt set state = 2 where destination = 'd0.test'");
  await bed.admin.query(
    'update spool.rcpt set state = 5 where ctid in (select ctid from spool.rcpt where state = 0 limit 10)',
  );
  assert.equal(await sweepNow.sweep(), 650);
  assert.equal((await bed.admin.query('select from spool.msg')).rowCount, 650);
});

test('reaping goes over more than a page', async () => {
  await backlog(1200, 2);
  await work.claim('d0.test', 600, 'w');
  await work.claim('d1.test', 600, 'w');
  await bed.admin.query("update spool.rcpt set lease_until = spool.now() - interval '1 s'");
  assert.deepEqual((await upkeep.reap()).toSorted(), ['d0.test', 'd1.test']);
  assert.deepEqual(await upkeep.figures().then((f) => [f.queued, f.leased]), [1200, 0]);
});
