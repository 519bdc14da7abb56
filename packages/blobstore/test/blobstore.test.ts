import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test, { after } from 'node:test';
import type pg from 'pg';
import { testDatabase } from '@waybill/lab';
import { openPool } from '@waybill/postgres';
import { blobstoreSchema, openBlobstore } from '../src/index.ts';

const db = await testDatabase([blobstoreSchema]);
const pools = new Map<string, pg.Pool>();
for (const agent of ['mx', 'mda', 'auth']) pools.set(agent, openPool(db.urlAs(agent), { size: 4 }));
const admin = openPool(db.url, { size: 2 });
pools.set('admin', admin);
const mx = openBlobstore(pools.get('mx')!);
const mda = openBlobstore(pools.get('mda')!);
after(async () => {
  await Promise.all([...pools.values()].map((pool) => pool.end()));
  await db[Symbol.asyncDispose]();
});
const HOUR = 3600_000;
const age = (key: string, hours: number): Promise<unknown> =>
  admin.query('update blobstore.blob set touched_at = now() - make_interval(hours => $2) where key = $1', [
    key,
    hours,
  ]);

test('what was put is got back octet for octet, whatever its size', async () => {
  for (const size of [0, 1, 256 * 1024, 256 * 1024 + 1, 9_000_000]) {
    const bytes = randomBytes(size);
    const { blobKey } = await mx.put(bytes);
    assert.deepEqual(await mda.get(blobKey), bytes);
  }
});

test('a range is cut out of its chunks', async () => {
  const bytes = randomBytes(700_000);
  const { blobKey } = await mx.put(bytes);
  for (const [start, end] of [
    [0, 10],
    [262_143, 262_145],
    [262_144, 524_288],
    [100, 699_999],
    [699_990, 800_000],
    [700_000, 700_001],
    [5, 5],
    [9, 3],
  ] as const)
    assert.deepEqual(await mda.getRange(blobKey, start, end), bytes.subarray(start, Math.max(start, end)));
});

test('the same bytes are stored once, also when sixteen agents put them together', async () => {
  const bytes = randomBytes(300_000);
  const keys = await Promise.all(Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? mx : mda).put(bytes)));
  assert.equal(new Set(keys.map((key) => key.blobKey)).size, 1);
  const { rows } = await admin.query('select count(*)::int as n from blobstore.chunk where key = $1', [
    keys[0]?.blobKey,
  ]);
  assert.equal(rows[0].n, 2);
  assert.deepEqual(await mx.get(keys[0]!.blobKey), bytes);
});

test('a key that nobody stored is an error that names it', async () => {
  await assert.rejects(mx.get('nothing-here'), /no body is stored under the key nothing-here/);
});

test('a sweep deletes what is old and unreferenced, and nothing else', async () => {
  const bodies = { young: '', old: '', used: '', touched: '' };
  for (const name of Object.keys(bodies) as (keyof typeof bodies)[])
    bodies[name] = (await mx.put(Buffer.from(`body ${name}`))).blobKey;
  for (const key of [bodies.old, bodies.used, bodies.touched]) await age(key, 30);
  await mx.put(Buffer.from('body touched'));
  const asked: string[] = [];
  const swept = await mda.sweep({
    graceMs: 24 * HOUR,
    stillReferenced: (keys) => {
      asked.push(...keys);
      return Promise.resolve([bodies.used]);
    },
  });
  assert.equal(swept, 1);
  assert.deepEqual(asked.toSorted(), [bodies.old, bodies.used].toSorted());
  await assert.rejects(mda.get(bodies.old));
  for (const key of [bodies.young, bodies.used, bodies.touched]) await mda.get(key);
  const { rows } = await admin.query('select from blobstore.chunk where key = $1', [bodies.old]);
  assert.equal(rows.length, 0);
});

test('a put between the question and the deletion saves the body', async () => {
  const bytes = Buffer.from('wanted again');
  const { blobKey } = await mx.put(bytes);
  await age(blobKey, 30);
  const swept = await mda.sweep({
    graceMs: 24 * HOUR,
    stillReferenced: async () => {
      await mx.put(bytes);
      return [];
    },
  });
  assert.equal(swept, 0);
  assert.deepEqual(await mda.get(blobKey), bytes);
});

test('only the mda deletes, and auth sees nothing', async () => {
  const auth = pools.get('auth')!;
  for (const table of ['blob', 'chunk']) {
    await assert.rejects(pools.get('mx')!.query(`delete from blobstore.${table}`), /permission denied/);
    await assert.rejects(auth.query(`select * from blobstore.${table}`), /permission denied/);
  }
  await assert.rejects(pools.get('mx')!.query(`update blobstore.blob set size = 0`), /permission denied/);
  await assert.rejects(pools.get('mda')!.query(`update blobstore.chunk set data = ''`), /permission denied/);
});
