import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import pg from 'pg';
import { CLAIM_TEXT } from '../src/claim.ts';
import { newToken } from '../src/ids.ts';
import { draft, openBed } from './spool-bed.ts';

const bed = await openBed();
after(() => bed[Symbol.asyncDispose]());

interface Node {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  Plans?: Node[];
}

function flatten(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}

async function explainClaim(client: pg.ClientBase, limit: number): Promise<{ nodes: Node[]; rows: number }> {
  const { rows } = await client.query(
    `explain (analyze, format json) execute claim ('d7.test', ${limit}, 'w', '${newToken()}')`,
  );
  const plan = rows[0]['QUERY PLAN'][0].Plan as Node;
  return { nodes: flatten(plan), rows: plan['Actual Rows'] };
}

const fill = `
with m as (insert into spool.msg (spool_id, origin, return_path, smtputf8, body, size, hops, expires_at)
  select gen_random_uuid(), 1, '', false, 'x', 1, 0, now() + interval '5 d' from generate_series(1, 20000) returning spool_id),
n as (select spool_id, row_number() over () as i from m)
insert into spool.rcpt (spool_id, rcpt_no, delivery_id, address, notify, destination, next_at)
select spool_id, 1, gen_random_uuid(), 'x@y.test', 0, 'd' || (i % 10) || '.test', now() - make_interval(secs => i) from n`;

test('a claim prepared while the spool was empty, and one from 20,000 rows, read indexes and take no more than asked', async () => {
  const early = await bed.mta.connect();
  const late = new pg.Client({ connectionString: bed.db.urlAs('mta') });
  await late.connect();
  try {
    await early.query(`prepare claim (text, int, text, uuid) as ${CLAIM_TEXT}`);
    assert.equal((await explainClaim(early, 20)).rows, 0);
    await bed.admin.query(fill);
    await late.query(`prepare claim (text, int, text, uuid) as ${CLAIM_TEXT}`);
    for (const client of [early, late, early, late, early, late, early, late]) {
      const { nodes, rows } = await explainClaim(client, 20);
      assert.equal(rows, 20);
      assert.deepEqual(
        nodes.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name']),
        [],
      );
      const read = nodes.filter((node) => node['Relation Name'] === 'rcpt');
      assert.ok(
        read.every((node) => node['Actual Rows'] <= 20),
        JSON.stringify(read),
      );
    }
    const { rows } = await bed.admin.query('select count(*)::int as n from spool.rcpt where state = 1');
    assert.equal(rows[0].n, 160);
  } finally {
    early.release();
    await late.end();
  }
});

test('oldest due first', async () => {
  await bed.admin.query('truncate spool.msg, spool.rcpt');
  const items = [draft(), draft(), draft()];
  for (const item of items) await bed.accept.accept(item);
  await bed.admin.query("update spool.rcpt set next_at = now() - interval '1 h' where spool_id = $1", [
    items[2]?.id,
  ]);
  const { rows } = await bed.mta.query({ text: CLAIM_TEXT, values: ['blue.test', 1, 'w', newToken()] });
  assert.equal(rows[0].spool_id, items[2]?.id);
});
