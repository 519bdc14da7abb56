import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { temporaryFolder, testDatabase } from '@waybill/lab';
import { byteaArray, checkRevisions, migrate, openPool, transaction } from '../src/index.ts';

const db = await testDatabase();
const folder = temporaryFolder();
const source = { schema: 'garden', folder };
fs.writeFileSync(
  path.join(folder, '0001-beds.sql'),
  'create schema garden; create table garden.bed (id int primary key); grant usage on schema garden to waybill_mx; grant select on garden.bed to waybill_mx;',
);
const pool = openPool(db.url, { size: 4 });
after(async () => {
  await pool.end();
  await db[Symbol.asyncDispose]();
  fs.rmSync(folder, { recursive: true });
});

test('migrations run once, also when two migrators start together', async () => {
  await Promise.all([migrate(db.url, [source]), migrate(db.url, [source])]);
  const { rows } = await pool.query('select schema, revision from waybill.migration');
  assert.deepEqual(rows, [{ schema: 'garden', revision: 1 }]);
});

test('an agent refuses a database that is behind, and accepts one that is level', async () => {
  await checkRevisions(pool, [source]);
  fs.writeFileSync(path.join(folder, '0002-paths.sql'), 'create table garden.path (id int)');
  await assert.rejects(
    checkRevisions(pool, [source]),
    /revision 1 of schema "garden", this version needs 2: run `waybill migrate`/,
  );
});

test('a migration that fails leaves nothing behind', async () => {
  fs.writeFileSync(path.join(folder, '0002-paths.sql'), 'create table garden.path (id int); select 1/0');
  await assert.rejects(migrate(db.url, [source]), /0002-paths\.sql failed: division by zero/);
  const { rows } = await pool.query("select to_regclass('garden.path') as path");
  assert.deepEqual(rows, [{ path: null }]);
  fs.rmSync(path.join(folder, '0002-paths.sql'));
});

test('a migration that changed after it was applied is refused', async () => {
  const file = path.join(folder, '0001-beds.sql');
  const before = fs.readFileSync(file);
  fs.appendFileSync(file, ' -- afterthought');
  await assert.rejects(migrate(db.url, [source]), /was changed after it had been applied/);
  fs.writeFileSync(file, before);
});

test('a migration that must wait for a table gives way to those who use it, and comes again', async () => {
  const user = await pool.connect();
  const asking = path.join(folder, '0002-name.sql');
  fs.writeFileSync(asking, 'alter table garden.bed add column name text');
  try {
    await user.query('begin');
    await user.query('select from garden.bed');
    const migrating = migrate(db.url, [source]);
    // While it waits this one is held up behind it, a second at most; then it gets in.
    const began = performance.now();
    await untilSomebodyWaits();
    await pool.query('select from garden.bed');
    assert.ok(performance.now() - began < 5000);
    await user.query('commit');
    await migrating;
    const { rows } = await pool.query('select name from garden.bed');
    assert.deepEqual(rows, []);
  } finally {
    user.release();
    fs.rmSync(asking);
    await pool.query(`delete from waybill.migration where schema = 'garden' and revision = 2`);
  }
});

async function untilSomebodyWaits(): Promise<void> {
  for (;;) {
    const { rowCount } = await pool.query(
      `select from pg_locks where not granted and relation = 'garden.bed'::regclass`,
    );
    if ((rowCount ?? 0) > 0) return;
  }
}

test('an agent logs in as its own role, with pinned plans and only its grants', async () => {
  await migrate(db.url, [source], { passwords: () => 'test' });
  const mx = openPool(db.urlAs('mx'), { size: 1 });
  const mda = openPool(db.urlAs('mda'), { size: 1 });
  try {
    assert.equal((await mx.query('show enable_seqscan')).rows[0].enable_seqscan, 'off');
    assert.equal((await mx.query('select * from garden.bed')).rowCount, 0);
    await assert.rejects(mx.query('insert into garden.bed values (1)'), /permission denied/);
    await assert.rejects(mda.query('select * from garden.bed'), /permission denied/);
  } finally {
    await mx.end();
    await mda.end();
  }
});

test('a transaction that throws is undone', async () => {
  await assert.rejects(
    transaction(pool, async (client) => {
      await client.query('insert into garden.bed values (7)');
      throw new Error('changed my mind');
    }),
    /changed my mind/,
  );
  assert.equal((await pool.query('select * from garden.bed')).rowCount, 0);
});

test('octets travel as one binary array, nulls and the empty array included', async () => {
  const items = [Buffer.from([0, 1, 255]), null, Buffer.alloc(0)];
  const { rows } = await pool.query('select x from unnest($1::bytea[]) as t(x)', [byteaArray(items)]);
  assert.deepEqual(
    rows.map((row) => row.x),
    items,
  );
  assert.equal((await pool.query('select x from unnest($1::bytea[]) as t(x)', [byteaArray([])])).rowCount, 0);
});
