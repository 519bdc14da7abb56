import assert from 'node:assert/strict';
import test, { after, beforeEach } from 'node:test';
import { openBlobstore } from '@waybill/blobstore';
import type { Claimed, Draft, Result } from '../src/contract.ts';
import { openSpoolUpkeep } from '../src/upkeep.ts';
import { openSpoolWork } from '../src/work.ts';
import { draft, openBed, recipient } from './spool-bed.ts';

const bed = await openBed();
after(() => bed[Symbol.asyncDispose]());
const work = openSpoolWork(bed.mta, openBlobstore(bed.mta));
const upkeep = openSpoolUpkeep(bed.mta);

beforeEach(async () => {
  await bed.admin.query('truncate spool.msg, spool.rcpt');
});

const delivered = (claim: Claimed): Result => ({
  kind: 'delivered',
  claim,
  code: '250',
  text: '2.0.0 ok',
  peer: 'mx.blue.test',
});
const retry = (claim: Claimed, delayMs: number, unknownOutcome = false): Result => ({
  kind: 'retry',
  claim,
  code: '451',
  text: '4.3.0 later',
  peer: 'mx.blue.test',
  delayMs,
  unknownOutcome,
});
const failed = (claims: readonly Claimed[]): { claim: Claimed; code: string; text: string; peer: string }[] =>
  claims.map((claim) => ({ claim, code: '550 5.1.1', text: 'no such user', peer: 'mx.blue.test' }));
const rows = async (id: string): Promise<Record<string, unknown>[]> =>
  (await bed.admin.query('select * from spool.rcpt where spool_id = $1 order by rcpt_no', [id])).rows;
/** Lets a lease run out: the same as waiting, without the wait. */
const expireLeases = (): Promise<unknown> =>
  bed.admin.query("update spool.rcpt set lease_until = spool.now() - interval '1 s' where state = 1");

async function claimOne(): Promise<Claimed> {
  await bed.accept.accept(draft());
  const [claim] = await work.claim('blue.test', 1, 'w1');
  assert.ok(claim);
  return claim;
}

test('a claim carries all that a delivery needs; the body comes once per message', async () => {
  const item = draft({
    origin: 'msa',
    envid: 'e1',
    ret: 'FULL',
    smtputf8: true,
    hops: 2,
    message: Buffer.from('a\0b\xff\r\n', 'latin1'),
    recipients: [
      recipient({ address: 'a@blue.test', orcpt: 'rfc822;x', notify: 6 }),
      recipient({ address: 'b@blue.test', accountId: '5' }),
      recipient({ address: 'c@other.test', destination: 'other.test' }),
    ],
  });
  await bed.accept.accept(item);
  const claims = (await work.claim('blue.test', 20, 'w1')).toSorted((a, b) => a.rcptNo - b.rcptNo);
  assert.equal(claims.length, 2);
  const [a, b] = claims as [Claimed, Claimed];
  assert.deepEqual(a.body, item.message);
  assert.equal(a.body, b.body);
  assert.deepEqual(
    [a.address, a.orcpt, a.notify, a.accountId, a.attempts, a.epoch, a.origin, a.returnPath],
    ['a@blue.test', 'rfc822;x', 6, null, 0, 1, 'msa', 'alice@red.test'],
  );
  assert.deepEqual(
    [b.accountId, b.envid, b.ret, b.smtputf8, b.hops, b.size, b.blobKey, b.unknownOutcome],
    ['5', 'e1', 'FULL', true, 2, item.message.length, null, false],
  );
  assert.notEqual(a.deliveryId, b.deliveryId);
  assert.ok(a.expiresAt > a.acceptedAt);
});

test('no row is leased twice, and no claim exceeds its limit, however many workers ask together', async () => {
  await Promise.all(Array.from({ length: 100 }, () => bed.accept.accept(draft())));
  const claims = await Promise.all(
    Array.from({ length: 12 }, (_, i) => work.claim('blue.test', 10, `w${i}`)),
  );
  assert.ok(claims.every((each) => each.length <= 10));
  const rest = await work.claim('blue.test', 1000, 'rest');
  const ids = [...claims.flat(), ...rest].map((claim) => claim.spoolId);
  assert.equal(ids.length, 100);
  assert.equal(new Set(ids).size, 100);
});

test('delivered closes the row; saying it again is still true, since it is', async () => {
  const claim = await claimOne();
  assert.equal(await work.finish(delivered(claim)), true);
  const [row] = await rows(claim.spoolId);
  assert.deepEqual([row?.['state'], row?.['last_code'], row?.['last_peer']], [2, '250', 'mx.blue.test']);
  assert.equal(await work.finish(delivered(claim)), true);
  assert.deepEqual(await work.claim('blue.test', 10, 'w2'), []);
});

test('a retry waits as long as it says, by the spool clock', async () => {
  const claim = await claimOne();
  assert.equal(await work.finish(retry(claim, 300_000, true)), true);
  assert.deepEqual(await work.claim('blue.test', 10, 'w1'), []);
  const ms = await upkeep.nextDueMs(3600_000);
  assert.ok(ms > 290_000 && ms <= 300_000, String(ms));
  const later = bed.pool('mta', 1);
  await later.query("set waybill.clock_shift = '299 s'");
  const shifted = openSpoolWork(later, openBlobstore(later));
  assert.deepEqual(await shifted.claim('blue.test', 10, 'w1'), []);
  await later.query("set waybill.clock_shift = '301 s'");
  const [again] = await shifted.claim('blue.test', 10, 'w1');
  assert.deepEqual([again?.attempts, again?.epoch, again?.unknownOutcome], [1, 2, true]);
  assert.notEqual(again?.token, claim.token);
  assert.equal(await shifted.finish(retry(again!, 0)), true);
  const [third] = await shifted.claim('blue.test', 10, 'w1');
  assert.equal(third?.unknownOutcome, true, 'an unknown outcome is not forgotten by a later known one');
});

test('a reaped lease can not requeue or fail, nor renew', async () => {
  const claim = await claimOne();
  await expireLeases();
  assert.deepEqual(await upkeep.reap(), ['blue.test']);
  assert.deepEqual(await upkeep.reap(), []);
  assert.equal(await work.finish(retry(claim, 1000)), false);
  assert.equal(await work.fail({ claims: failed([claim]), report: draft({ origin: 'dsn' }) }), false);
  assert.deepEqual(await work.renew([claim]), [false]);
  const [row] = await rows(claim.spoolId);
  assert.deepEqual([row?.['state'], row?.['unknown_outcome'], row?.['attempts']], [0, true, 1]);
  assert.equal((await bed.admin.query('select from spool.msg')).rowCount, 1, 'no report was inserted');
});

test('a success that comes after the reaper closes the row while nobody has taken it', async () => {
  const claim = await claimOne();
  await expireLeases();
  await upkeep.reap();
  assert.equal(await work.finish(delivered(claim)), true);
  assert.deepEqual(await work.claim('blue.test', 10, 'w2'), []);
});

test('a success that comes after somebody else took the row does not touch the other lease', async () => {
  const stale = await claimOne();
  await expireLeases();
  await upkeep.reap();
  const [fresh] = await work.claim('blue.test', 10, 'w2');
  assert.ok(fresh);
  assert.equal(await work.finish(delivered(stale)), false);
  assert.equal(await work.finish(retry(stale, 0)), false);
  await work.release([stale]);
  assert.deepEqual(await work.renew([stale, fresh]), [false, true]);
  assert.equal((await rows(fresh.spoolId))[0]?.['state'], 1);
  assert.equal(await work.finish(delivered(fresh)), true);
});

test('an epoch that a crash gave out twice is told apart by its token', async () => {
  const mine = await claimOne();
  const other = { ...mine, token: '00000000-0000-4000-8000-000000000000' };
  assert.deepEqual(await work.renew([other]), [false]);
  assert.equal(await work.finish(delivered(other)), false);
  assert.equal(await work.finish(retry(other, 0)), false);
  assert.equal(await work.fail({ claims: failed([other]) }), false);
  assert.deepEqual(await work.renew([mine]), [true]);
});

test('a renewal that was missed costs no lease, unless somebody took it', async () => {
  const claim = await claimOne();
  await expireLeases();
  await work.keep([claim]);
  assert.deepEqual(await upkeep.reap(), []);
  assert.deepEqual(await work.renew([claim]), [true]);
  await expireLeases();
  await upkeep.reap();
  await work.keep([claim]);
  assert.equal((await rows(claim.spoolId))[0]?.['state'], 0);
});

test('a lease with less than ten seconds left is not renewed', async () => {
  const claim = await claimOne();
  await bed.admin.query("update spool.rcpt set lease_until = spool.now() + interval '9 s'");
  assert.deepEqual(await work.renew([claim]), [false]);
  await bed.admin.query("update spool.rcpt set lease_until = spool.now() + interval '11 s'");
  assert.deepEqual(await work.renew([claim]), [true]);
  const { rows: left } = await bed.admin.query(
    'select extract(epoch from lease_until - spool.now())::float8 as s from spool.rcpt',
  );
  assert.ok(left[0].s > 29, `${left[0].s} s`);
});

test('a released claim is due at once and its attempt not counted', async () => {
  const claim = await claimOne();
  await work.release([claim]);
  const [again] = await work.claim('blue.test', 10, 'w2');
  assert.deepEqual([again?.attempts, again?.epoch, again?.unknownOutcome], [0, 2, false]);
});

test('a batch of results is answered one by one', async () => {
  await Promise.all(Array.from({ length: 30 }, () => bed.accept.accept(draft())));
  const claims = await work.claim('blue.test', 30, 'w1');
  const verdicts = await Promise.all(
    claims.map((claim, i) =>
      work.finish(
        i % 3 === 0
          ? delivered(claim)
          : i % 3 === 1
            ? retry(claim, 60_000)
            : delivered({ ...claim, token: '00000000-0000-4000-8000-000000000000' }),
      ),
    ),
  );
  assert.deepEqual(
    verdicts,
    claims.map((_, i) => i % 3 !== 2),
  );
  assert.deepEqual(await upkeep.figures(), { queued: 10, leased: 10, due: 0, oldestDueSeconds: 0 });
});

test('failed recipients are closed and reported in one commit', async () => {
  const item = draft({
    recipients: ['a', 'b', 'c'].map((name) => recipient({ address: `${name}@blue.test` })),
  });
  await bed.accept.accept(item);
  const claims = await work.claim('blue.test', 10, 'w1');
  const report = draft({
    origin: 'dsn',
    returnPath: '',
    parentId: item.id,
    recipients: [recipient({ destination: 'red.test' })],
  });
  assert.equal(await work.fail({ claims: failed(claims), report }), true);
  assert.deepEqual(
    (await rows(item.id)).map((row) => [row['state'], row['last_code']]),
    [3, 3, 3].map((state) => [state, '550 5.1.1']),
  );
  const { rows: found } = await bed.admin.query(
    'select origin, return_path, parent_id, round(extract(epoch from expires_at - accepted_at))::int as s from spool.msg where spool_id = $1',
    [report.id],
  );
  assert.deepEqual(found, [{ origin: 3, return_path: '', parent_id: item.id, s: 86400 }]);
  assert.equal(await work.fail({ claims: failed(claims), report }), true, 'asked again, it is done');
  assert.equal((await work.claim('red.test', 10, 'w1')).length, 1, 'and was done once');
});

test('when one lease of a failure is lost, nothing happens at all', async () => {
  const item = draft({ recipients: ['a', 'b'].map((name) => recipient({ address: `${name}@blue.test` })) });
  await bed.accept.accept(item);
  const claims = await work.claim('blue.test', 10, 'w1');
  await bed.admin.query('update spool.rcpt set token = gen_random_uuid() where rcpt_no = 2');
  const report = draft({ origin: 'dsn' });
  assert.equal(await work.fail({ claims: failed(claims), report }), false);
  assert.deepEqual(
    (await rows(item.id)).map((row) => row['state']),
    [1, 1],
  );
  assert.equal((await bed.admin.query('select from spool.msg')).rowCount, 1);
});

test('a report that can not be inserted leaves its recipients open', async () => {
  const claim = await claimOne();
  const report = draft({ origin: 'dsn', recipients: [recipient({ accountId: 'bad' })] });
  await assert.rejects(work.fail({ claims: failed([claim]), report }));
  assert.deepEqual(await work.renew([claim]), [true]);
});

test('an outcome outlives a restart of the connections to the database', async () => {
  const claim = await claimOne();
  await bed.mta.query('select 1');
  await bed.admin.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'mta' and datname = current_database()",
  );
  assert.equal(await work.finish(delivered(claim)), true);
  assert.equal((await rows(claim.spoolId))[0]?.['state'], 2);
});

test('ours to sign is what an account logged in for, here or at another machine’s msa, and our reports', async () => {
  const written = [
    draft({ origin: 'msa', authAccount: '7' }),
    draft({ origin: 'msa', clientInfo: { agent: 'msa' } }),
    draft({ origin: 'dsn', returnPath: '' }),
  ];
  const passedOn = [
    draft({ origin: 'mx', clientInfo: { address: '192.0.2.1' } }),
    draft({ origin: 'msa', clientInfo: { agent: 'mta' } }),
    draft({ origin: 'msa', clientInfo: { address: '192.0.2.1', helo: 'msa' } }),
    draft({ origin: 'msa' }),
  ];
  const there = (one: Draft): Draft => ({ ...one, recipients: [recipient({ destination: 'signed.test' })] });
  for (const one of [...written, ...passedOn]) await bed.accept.accept(there(one));
  const claims = await work.claim('signed.test', 10, 'w1');
  assert.equal(claims.length, written.length + passedOn.length);
  const ours = claims.filter((one) => one.ours).map(({ spoolId }) => spoolId);
  assert.deepEqual(ours.toSorted(), written.map(({ id }) => id).toSorted());
});
