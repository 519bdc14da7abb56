import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { blobstoreSchema } from '../../packages/blobstore/src/index.ts';
import { testDatabase } from '@waybill/lab';
import { mailstoreSchema } from '@waybill/mailstore';
import { openPool } from '@waybill/postgres';
import { spoolSchema } from '@waybill/spool';
import { type Spread, unheld } from './carried-keys.ts';
import { listenToStatements } from './sent-statements.ts';
import { walkTheSpool, walkTheStore } from './walk-the-doors.ts';

/**
 * Every statement of the store carries account_id, and every one of the spool its message's id or its
 * destination: so either can be spread over more machines than one. What goes over all of them is named
 * here, with the reason. docs/operating.md says what follows from it.
 */
const OVER_ALL: Readonly<Record<string, string>> = {
  // Statements by the line's function, and functions of the database by name.
  'packages/spool/src/upkeep.ts':
    "mta's maintenance: what is due, what ran out, what is finished, in all of one spool",
  'spool.references_blob': "mda's sweeper of bodies: a body is referred to by its own key",
  'mailstore.references_blob': "mda's sweeper of bodies: a body is referred to by its own key",
  'mailstore.sweep_delivered': "mda's sweeper: by age",
  'mailstore.sweep_changes': "mda's sweeper: by age; then account by account",
  'mailstore.trim_changes': "mda's sweeper: walks all accounts in order",
  'mailstore.sweep_tombstones': "mda's sweeper: by age; then account by account",
  'mailstore.sweep_orphans': "mda's sweeper: by age; then by account",
  'mailstore.sweep_former_names': "mda's sweeper: by age",
  'mailstore.after_restore': "the operator's, once after a restore: all accounts",
};

/** Files whose statements are not about the tables of spool or store. */
const OTHER_TABLES: Readonly<Record<string, string>> = {
  'packages/spool/src/kick-backend.ts': "BullMQ's own tables, made by migrate",
};

/** Who else may name these tables: the tools look, the lab counts. No service does. */
const LOOKERS: readonly string[] = ['packages/cli/', 'packages/journey/src/trace.ts', 'packages/lab/'];

const root = path.join(import.meta.dirname, '../..');
const sent = listenToStatements();
const db = await testDatabase([blobstoreSchema, spoolSchema, mailstoreSchema]);
const admin = openPool(db.url, { size: 1 });
after(async () => {
  await admin.end();
  await db[Symbol.asyncDispose]();
});

const SPREADS: readonly Spread[] = [
  { schema: 'spool', tables: await tablesOf('spool'), keys: ['spool_id', 'destination'] },
  { schema: 'mailstore', tables: await tablesOf('mailstore'), keys: ['account_id'] },
];

test('all that the doors of spool and store offer was called, and every line that sends a statement was reached', async () => {
  assert.deepEqual(await walkTheSpool(db), []);
  assert.deepEqual(await walkTheStore(db), []);
  const reached = new Set(sent.map((one) => one.from));
  const lines = sourceFiles('packages/{spool,mailstore}/src/**/*.ts')
    .filter((file) => OTHER_TABLES[file] === undefined)
    .flatMap((file) =>
      fs
        .readFileSync(path.join(root, file), 'utf8')
        .split('\n')
        .flatMap((line, i) => (/\.query\b/.test(line.replace(/\/\/.*$/, '')) ? [`${file}:${i + 1}`] : [])),
    );
  assert.ok(lines.length > 30);
  assert.deepEqual(
    lines.filter((line) => !reached.has(line)),
    [],
    'walk-the-doors.ts must reach these lines',
  );
});

test('every statement that was sent carries its key', () => {
  const faults = new Set<string>();
  for (const { text, from } of sent) {
    const file = from.replace(/:\d+$/, '');
    for (const spread of SPREADS)
      for (const table of unheld(text, spread))
        if (OVER_ALL[file] === undefined)
          faults.add(`${from}: ${table}: ${text.replaceAll(/\s+/g, ' ').slice(0, 150)}`);
  }
  assert.deepEqual([...faults], []);
});

test('every statement inside a function of the database carries its key, and the function is given it', async () => {
  const { rows } = await admin.query<{ name: string; body: string; args: string[] | null }>(
    `select n.nspname || '.' || p.proname as name, p.prosrc as body, p.proargnames as args
       from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('spool', 'mailstore')`,
  );
  assert.ok(rows.length > 20);
  const faults: string[] = [];
  for (const { name, body, args } of rows) {
    if (OVER_ALL[name] !== undefined) continue;
    for (const spread of SPREADS) {
      for (const statement of body.split(/;|\bloop\b/))
        for (const table of unheld(statement, spread))
          faults.push(`${name}: ${table}: ${statement.replaceAll(/\s+/g, ' ').trim().slice(0, 150)}`);
      const touches = [...spread.tables].some((table) => body.includes(`${spread.schema}.${table}`));
      if (spread.schema === 'mailstore' && touches && !/^p_accounts?$/.test(args?.[0] ?? ''))
        faults.push(`${name} is not given an account first`);
    }
  }
  assert.deepEqual(faults, []);
});

test('every exception is still needed', async () => {
  const bodies = new Map(
    (
      await admin.query<{ name: string; body: string }>(
        `select n.nspname || '.' || p.proname as name, p.prosrc as body
           from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('spool', 'mailstore')`,
      )
    ).rows.map((row) => [row.name, row.body]),
  );
  for (const name of Object.keys(OVER_ALL)) {
    const texts = sent.filter((one) => one.from.startsWith(`${name}:`)).map((one) => one.text);
    const statements = bodies.get(name)?.split(/;|\bloop\b/) ?? texts;
    assert.ok(
      statements.some((statement) => SPREADS.some((spread) => unheld(statement, spread).length > 0)),
      `${name} no longer goes over all: take it off the list`,
    );
  }
});

test('nobody but spool, store and the tools names their tables', () => {
  const faults = sourceFiles('{packages,services}/*/src/**/*.ts')
    .filter((file) => !/^packages\/(spool|mailstore)\//.test(file) && !file.endsWith('.test.ts'))
    .filter((file) => !LOOKERS.some((looker) => file.startsWith(looker)))
    .flatMap((file) => {
      const text = fs.readFileSync(path.join(root, file), 'utf8');
      return SPREADS.flatMap(({ schema, tables }) =>
        [...tables].filter((table) =>
          new RegExp(`\\b(from|join|into|update)\\s+${schema}\\.${table}\\b`).test(text),
        ),
      ).map((table) => `${file} names ${table}`);
    });
  assert.deepEqual(faults, []);
});

const TRIED: readonly (readonly [statement: string, unheld: readonly string[]])[] = [
  ['select * from mailstore.mailbox where account_id = $1', []],
  ['select * from mailstore.mailbox where mailbox_id = $1', ['mailstore.mailbox']],
  ['select * from mailstore.mailbox m where m.account_id > $1', ['mailstore.mailbox']],
  [
    'select * from mailstore.mailbox m join mailstore.email e on e.account_id = m.account_id',
    ['mailstore.mailbox', 'mailstore.email'],
  ],
  [
    'select * from mailstore.mailbox m join mailstore.email e on e.account_id = m.account_id where m.account_id = $1',
    [],
  ],
  ['select * from mailstore.mailbox m, mailstore.email e where m.account_id = $1', ['mailstore.email']],
  ["select '-- account_id = 1' from mailstore.mailbox", ['mailstore.mailbox']],
  ['insert into mailstore.orphan (email_id) values ($1)', ['mailstore.orphan']],
  ['insert into mailstore.orphan (account_id, email_id) values ($1, $2)', []],
  ['delete from spool.msg where accepted_at < $1', ['spool.msg']],
  [
    'update spool.rcpt r set state = 1 where r.ctid = any (array(select ctid from spool.rcpt where destination = $1))',
    [],
  ],
  [
    'update spool.rcpt r set state = 1 where r.ctid = any (array(select ctid from spool.rcpt where state = 0))',
    ['spool.rcpt'],
  ],
];
for (const [statement, expected] of TRIED)
  test(`${expected.length === 0 ? 'carries' : 'lacks'} its key: ${statement}`, () => {
    assert.deepEqual(
      SPREADS.flatMap((spread) => unheld(statement, spread)),
      expected,
    );
  });

async function tablesOf(schema: string): Promise<ReadonlySet<string>> {
  const { rows } = await admin.query<{ name: string }>(
    'select tablename as name from pg_tables where schemaname = $1',
    [schema],
  );
  assert.ok(rows.length > 1);
  return new Set(rows.map((row) => row.name));
}

function sourceFiles(pattern: string): string[] {
  return fs.globSync(pattern, { cwd: root, exclude: (name) => name.includes('node_modules') });
}
