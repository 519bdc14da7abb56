import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { draft, openBed } from './spool-bed.ts';

const bed = await openBed();
after(() => bed[Symbol.asyncDispose]());

const STATEMENTS = {
  select: (table: string) => `select * from spool.${table}`,
  update: (table: string) => `update spool.${table} set spool_id = spool_id`,
  delete: (table: string) => `delete from spool.${table}`,
  insert: (table: string) => `insert into spool.${table} default values`,
  truncate: (table: string) => `truncate spool.${table}`,
} as const;

/** What each role may do with the tables; everything else must be refused. msa and mx insert, by column. */
const MAY: Readonly<Record<string, readonly (keyof typeof STATEMENTS)[]>> = {
  msa: ['insert'],
  mx: ['insert'],
  mta: ['select', 'update', 'delete', 'insert'],
  mda: [],
  mra: [],
  auth: [],
  operator: ['select'],
};

for (const [agent, allowed] of Object.entries(MAY)) {
  test(`${agent} may ${allowed.join(', ') || 'do nothing'} with the spool's tables as a whole`, async () => {
    const pool = bed.pool(agent, 1);
    for (const [what, sql] of Object.entries(STATEMENTS)) {
      for (const table of ['msg', 'rcpt']) {
        const outcome = await pool.query(sql(table)).then(
          () => 'done',
          (error: Error) => error.message,
        );
        if ((allowed as readonly string[]).includes(what)) assert.doesNotMatch(outcome, /permission denied/);
        else assert.match(outcome, /permission denied/, `${agent} ${what} ${table}`);
      }
    }
  });
}

test('mx can not put a message in any state but queued, nor date it back', async () => {
  const mx = bed.pool('mx', 1);
  await assert.rejects(
    mx.query('insert into spool.rcpt (spool_id, state) values (gen_random_uuid(), 2)'),
    /permission denied/,
  );
  await assert.rejects(
    mx.query('insert into spool.msg (spool_id, accepted_at) values (gen_random_uuid(), now())'),
    /permission denied/,
  );
});

test('msa and mx may ask whether a message is there; mda which bodies are in use; nobody else', async () => {
  const item = draft({ message: Buffer.alloc(40_000, 'x') });
  await bed.accept.accept(item);
  for (const agent of ['msa', 'mx', 'mta']) {
    const { rowCount } = await bed.pool(agent, 1).query('select from spool.has($1)', [[item.id]]);
    assert.equal(rowCount, 1);
  }
  const { rows } = await bed.admin.query('select blob_key from spool.msg where spool_id = $1', [item.id]);
  const key = rows[0].blob_key as string;
  const mda = bed.pool('mda', 1);
  const used = await mda.query('select * from spool.references_blob($1) as key', [[key, 'another']]);
  assert.deepEqual(used.rows, [{ key }]);
  await assert.rejects(mda.query('select spool.has($1)', [[item.id]]), /permission denied/);
  for (const agent of ['mra', 'auth', 'mx'])
    await assert.rejects(
      bed.pool(agent, 1).query('select spool.references_blob($1)', [[key]]),
      /permission denied/,
    );
});
