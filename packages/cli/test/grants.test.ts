import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { testDatabase } from '@waybill/lab';
import { AGENT_ROLES, openPool } from '@waybill/postgres';
import { migrateKicks } from '@waybill/spool/kick';
import { ALL_SCHEMAS } from '../src/migrations.ts';

/**
 * Every agent tries every table of the suite. What is not named here must be refused: a new table
 * is closed to everybody until somebody writes down who may do what.
 */
const MAY: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // r read, w write (any of insert, update, delete)
  msa: {
    'blobstore.*': 'rw',
    'spool.msg': 'w',
    'spool.rcpt': 'w',
    'journey.*': 'w',
    'bullmq.*': 'rw',
    'waybill.migration': 'r',
  },
  mx: {
    'blobstore.*': 'rw',
    'spool.msg': 'w',
    'spool.rcpt': 'w',
    'journey.*': 'w',
    'bullmq.*': 'rw',
    'waybill.migration': 'r',
  },
  mta: {
    'blobstore.*': 'rw',
    'spool.*': 'rw',
    'signing.dkim_key': 'rw',
    'journey.*': 'w',
    'bullmq.*': 'rw',
    'waybill.migration': 'r',
  },
  mda: { 'blobstore.*': 'rw', 'mailstore.*': 'rw', 'journey.*': 'w', 'waybill.migration': 'r' },
  mra: { 'blobstore.*': 'rw', 'mailstore.*': 'rw', 'journey.*': 'w', 'waybill.migration': 'r' },
  // Of keys auth reads all but the private halves: a `select *` is refused.
  auth: {
    'directory.*': 'rw',
    'signing.dkim_key': 'w',
    'signing.srs_secret': 'rw',
    'signing.srs_long': 'rw',
    'journey.*': 'w',
    'waybill.migration': 'r',
  },
  operator: { 'blobstore.blob': 'r', 'spool.*': 'r', 'journey.*': 'r', 'waybill.migration': 'r' },
};

const db = await testDatabase(ALL_SCHEMAS);
await migrateKicks(db.url);
const admin = openPool(db.url, { size: 1 });
after(async () => {
  await admin.end();
  await db[Symbol.asyncDispose]();
});

const { rows: tables } = await admin.query<{ name: string }>(
  `select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname in ('directory', 'signing', 'spool', 'mailstore', 'blobstore', 'journey', 'bullmq', 'waybill')
    order by 1`,
);

/** What a role really can do to a table, by trying. */
async function tries(role: string, pool: ReturnType<typeof openPool>, table: string): Promise<string> {
  const refused = async (sql: string): Promise<boolean> => {
    try {
      await pool.query(sql);
      return false;
    } catch (error) {
      if (/permission denied/.test((error as Error).message)) return true;
      throw error;
    }
  };
  const read = !(await refused(`select * from ${table} limit 0`));
  // Column grants count as write: the statements name no column, so ask the catalogue for those.
  const { rows } = await admin.query<{ any: boolean }>(
    `select has_schema_privilege($1, split_part($2, '.', 1), 'usage')
        and (has_any_column_privilege($1, $2, 'insert') or has_any_column_privilege($1, $2, 'update') or has_table_privilege($1, $2, 'delete, truncate')) as any`,
    [`waybill_${role}`, table],
  );
  return `${read ? 'r' : ''}${rows[0]?.any === true ? 'w' : ''}`;
}

test('there are tables to try', () => {
  assert.ok(tables.length > 15, tables.map(({ name }) => name).join(' '));
});

for (const role of AGENT_ROLES) {
  test(`${role} is refused at every table that is not its business`, async () => {
    const pool = openPool(db.urlAs(role), { size: 1 });
    try {
      for (const { name } of tables) {
        const allowed = MAY[role]?.[name] ?? MAY[role]?.[`${name.split('.')[0]}.*`] ?? '';
        for (const right of await tries(role, pool, name)) {
          assert.ok(allowed.includes(right), `${role} may ${right === 'r' ? 'read' : 'write'} ${name}`);
        }
      }
    } finally {
      await pool.end();
    }
  });
}
