import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { testDatabase } from '@waybill/lab';
import { openPool } from '@waybill/postgres';
import { mailstoreSchema } from '../src/index.ts';

const db = await testDatabase([mailstoreSchema]);
const root = openPool(db.url, { size: 1 });
after(async () => {
  await root.end();
  await db[Symbol.asyncDispose]();
});

const { rows: tables } = await root.query<{ name: string }>(
  `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'mailstore' order by 1`,
);
const { rows: functions } = await root.query<{ name: string }>(
  `select oid::regprocedure::text as name from pg_proc where pronamespace = 'mailstore'::regnamespace order by 1`,
);
const ACTIONS = ['select from', 'delete from'] as const;

for (const agent of ['msa', 'mx', 'mta', 'auth', 'operator']) {
  test(`${agent} may touch nothing in the mail store`, async () => {
    const pool = openPool(db.urlAs(agent), { size: 1 });
    try {
      for (const { name } of tables) {
        for (const action of ACTIONS)
          await assert.rejects(pool.query(`${action} ${name}`), /permission denied/, `${action} ${name}`);
        await assert.rejects(pool.query(`insert into ${name} default values`), /permission denied/, name);
        await assert.rejects(pool.query(`update ${name} set account_id = 1`), /permission denied/, name);
      }
      for (const { name } of functions) {
        const { rows } = await root.query<{ may: boolean }>(
          'select has_function_privilege($1, $2::regprocedure, $3) as may',
          [`waybill_${agent}`, name, 'execute'],
        );
        assert.equal(rows[0]?.may, false, name);
      }
    } finally {
      await pool.end();
    }
  });
}

test('mra deletes no message for good, and knows no delivery ids', async () => {
  const pool = openPool(db.urlAs('mra'), { size: 1 });
  try {
    for (const table of ['email', 'change', 'account_seq', 'mailbox', 'orphan'])
      await assert.rejects(pool.query(`delete from mailstore.${table}`), /permission denied/, table);
    await assert.rejects(pool.query('select from mailstore.delivered'), /permission denied/);
    await assert.rejects(pool.query('update mailstore.email set size = 0'), /permission denied/);
  } finally {
    await pool.end();
  }
});

test('every key is led by the account', async () => {
  const { rows } = await root.query<{ index: string; column: string }>(
    `select i.indexrelid::regclass::text as index, a.attname as column
       from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
      where i.indisunique and i.indrelid in (select oid from pg_class where relnamespace = 'mailstore'::regnamespace)`,
  );
  assert.ok(rows.length >= tables.length);
  for (const { index, column } of rows) assert.equal(column, 'account_id', index);
  const sequences = await root.query("select from pg_sequences where schemaname = 'mailstore'");
  assert.equal(sequences.rowCount, 0);
});
