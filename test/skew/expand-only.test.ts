import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { ALL_SCHEMAS } from '@waybill/cli';
import { readMigrations } from '@waybill/postgres';
import { expandFaults, type Version } from './expand-only.ts';

/**
 * Migrations that came after the first version only add: docs/decisions/0006-expand-then-contract.md.
 * What 0.1.0 brought was there before anybody ran: no agent had to live with its changes.
 */
const FIRST: Readonly<Record<string, number>> = {
  blobstore: 1,
  spool: 1,
  mailstore: 6,
  journey: 1,
  directory: 1,
};

const { version } = JSON.parse(
  fs.readFileSync(path.join(import.meta.dirname, '../../package.json'), 'utf8'),
) as { version: string };
const [major = 0, minor = 0] = version.split('.').map(Number);
const current: Version = { major, minor };

for (const source of ALL_SCHEMAS) {
  test(`the migrations of schema ${source.schema} since 0.1.0 only add`, () => {
    const first = FIRST[source.schema] ?? 0;
    const migrations = readMigrations(source);
    assert.ok(migrations.length >= first);
    const faults = migrations
      .filter((migration) => migration.revision > first)
      .flatMap((migration) => expandFaults(`${source.schema}/${migration.name}`, migration.sql, current));
    assert.deepEqual(faults, []);
  });
}

const ALLOWED = [
  'alter table spool.rcpt add column hint text',
  'alter table spool.rcpt add column hint int not null default 0, add column other text',
  'create table spool.note (spool_id uuid not null, note text not null check (note <> $$$$))',
  'create index note_at on spool.note (at)',
  'alter table spool.msg alter column envid drop not null',
  "comment on table spool.msg is 'never drop table, never rename'",
  '-- drop table spool.msg\ncreate table spool.other ()',
  'create function spool.f() returns void language plpgsql as $$ begin delete from spool.msg; drop table spool.x; end $$',
  'revoke all on function spool.f() from public',
  '-- contract: 0.1.0 stopped using this\nalter table spool.msg drop column hint',
];
for (const sql of ALLOWED)
  test(`allowed: ${sql.slice(0, 70).replaceAll('\n', ' ')}`, () => {
    assert.deepEqual(expandFaults('x.sql', sql, { major: 0, minor: 2 }), []);
  });

const REFUSED: readonly (readonly [sql: string, why: RegExp])[] = [
  ['alter table spool.rcpt drop column address', /drops something/],
  ['DROP FUNCTION mailstore.store_flags(bigint)', /drops something/],
  ['alter table spool.rcpt rename column address to who', /renames/],
  ['alter table spool.rcpt alter column notify type int', /type of a column/],
  ['alter table spool.rcpt alter column notify set data type int', /type of a column/],
  ['alter table spool.rcpt alter column orcpt set not null', /old writers do not give/],
  ['alter table spool.rcpt alter column state drop default', /default/],
  [
    'alter table spool.rcpt\n  add column a int default 1,\n  add column b text not null',
    /not null, no default/,
  ],
  ['alter table spool.rcpt add constraint few check (attempts < 9)', /adds a check/],
  ['revoke insert on spool.msg from waybill_mx', /right away/],
  ['truncate spool.msg', /empties/],
  // What this version stopped using, the version before still uses.
  ['-- contract: 0.2.0 stopped using this\nalter table spool.msg drop column hint', /drops something/],
  // The line speaks for one statement.
  [
    '-- contract: 0.1.0 stopped using this\nalter table a.b drop column c;\nalter table a.b drop column d',
    /drop column d/,
  ],
];
for (const [sql, why] of REFUSED)
  test(`refused: ${sql.slice(0, 70).replaceAll('\n', ' ')}`, () => {
    const faults = expandFaults('x.sql', sql, { major: 0, minor: 2 });
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.match(faults[0] ?? '', why);
  });
