import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { migrateAll } from '@waybill/cli';
import { AGENTS, temporaryFolder } from '@waybill/lab';
import { mailstoreSchema } from '@waybill/mailstore';
import { migrate, readMigrations } from '@waybill/postgres';
import { spoolSchema } from '@waybill/spool';
import { ledgerWorld } from '../chaos/ledger-world.ts';
import { message, TestWorld } from '../journeys/a-world.ts';
import { type PreviousVersion, previousVersion, skewNotFound } from './previous-version.ts';

/**
 * Agents of the version before beside those of this one, on this one's schema: every hop between two
 * agents is walked from old to new and from new to old, and a whole suite is upgraded and taken back
 * under load. What docs/decisions/0006-expand-then-contract.md promises is tried here.
 */
const old = previousVersion();
if ('missing' in old) {
  console.log(`NOT FOUND: ${skewNotFound(old.missing)}`);
  process.exit(0);
}
after(() => old[Symbol.dispose]());

/** Which agents are old: between the two, every hop is walked both ways. auth is both in each, one after the other. */
const MIXES: readonly { readonly name: string; readonly old: readonly string[] }[] = [
  { name: 'old doors and store, new mta and mra', old: ['msa-1', 'mx-1', 'mda-1', 'auth-1'] },
  { name: 'new doors and store, old mta and mra', old: ['mta-1', 'mra-1', 'auth-1'] },
];

for (const mix of MIXES) {
  test(`version-skew: ${mix.name}: mail goes out, comes in, comes back and is read`, async () => {
    await using t = await TestWorld.start({ roots: rootsOf(mix.old) });
    assertVersions(t, mix.old);
    await walk(t, 'old-auth');
    await t.world.replace('auth-1');
    assertVersions(
      t,
      mix.old.filter((name) => name !== 'auth-1'),
    );
    await walk(t, 'new-auth');
  });
}

/** Every hop once; `word` names the messages. */
async function walk(t: TestWorld, word: string): Promise<void> {
  const before = { alice: (await t.inbox(t.alice)).length, bob: (await t.inbox(t.bob)).length };
  // Out and in again: msa → spool → mta → port 25 → mx → spool → mta → LMTP → mda; large, so by the blobstore.
  const lunch = message(
    {
      From: 'alice@red.test',
      To: 'bob@blue.test',
      Subject: 'Lunch',
      'Message-ID': `<lunch.${word}@red.test>`,
    },
    'A large body.\n'.repeat(6000).trimEnd(),
  );
  assert.equal(await t.send(t.submission(t.alice), t.alice.address, t.bob.address, lunch), undefined);
  const received = (await t.inbox(t.bob, before.bob + 1)).at(-1) ?? '';
  assert.match(received, /^Return-Path: <alice@red\.test>\r\nDelivered-To: bob@blue\.test\r\n/);
  assert.equal(received.match(/^Received: /gm)?.length, 2, 'msa and mx each wrote one trace field');
  assert.ok(received.endsWith('A large body.\r\n'.repeat(6000)), 'octet for octet');

  const view = await t.journey(`<lunch.${word}@red.test>`, (one) =>
    ['msa', 'mta', 'mx', 'mda'].every((agent) => one.steps.some((step) => step.agent === agent)),
  );
  assert.equal(view.ids.length, 2, 'the id before port 25 and the id after it are joined');
  assert.deepEqual(
    view.recipients.map((one) => [one.address, one.state]),
    [['bob@blue.test', 'delivered']],
  );

  // In from outside, refused where nobody lives, and a report on its way home.
  const stranger = message({ From: 'stranger@example.com', 'Message-ID': `<in.${word}@example.com>` });
  assert.equal(await t.send(t.mx, 'stranger@example.com', t.alice.address, stranger), undefined);
  assert.ok((await t.inbox(t.alice, before.alice + 1)).at(-1)?.includes(`<in.${word}@example.com>`));
  assert.match(
    (await t.send(t.mx, 'stranger@example.com', 'dave@red.test', stranger)) ?? '',
    /^550 5\.1\.1 /,
  );
  const bad = message({
    From: 'alice@red.test',
    To: 'x@reject.test',
    'Message-ID': `<bad.${word}@red.test>`,
  });
  assert.equal(await t.send(t.submission(t.alice), t.alice.address, 'x@reject.test', bad), undefined);
  assert.match((await t.inbox(t.alice, before.alice + 2)).at(-1) ?? '', /^Return-Path: <>\r\n/);
}

test('version-skew: the schema expands under the load of old agents, and each agent is upgraded and taken back', async () => {
  const counts = { mx: 2, msa: 1, mta: 2, mda: 1, mra: 1, auth: 1 };
  const all = AGENTS.flatMap((agent) => Array.from({ length: counts[agent] }, (_, i) => `${agent}-${i + 1}`));
  const { migrateAll: migrateOld } = (await import(
    path.join(old.root, 'packages/cli/src/index.ts')
  )) as typeof import('@waybill/cli');
  await using t = await ledgerWorld({ migrate: migrateOld, replicas: counts, roots: rootsOf(all) });
  await t.survives({ messages: 600, seconds: 12 }, async () => {
    await migrateAll(t.world.database.url);
    await expandOnceMore(t.world.database.url);
    // In no order that helps: who asks before who answers, one replica of each at a time.
    for (const name of all.toReversed()) await t.world.replace(name);
    for (const name of ['mx-1', 'mta-1', 'mda-1', 'mra-1', 'auth-1']) await t.world.replace(name, old.root);
  });
});

/** Adds to the tables that every message passes what a next version might: columns, an index, a function. */
async function expandOnceMore(adminUrl: string): Promise<void> {
  const next = {
    spool: `alter table spool.rcpt add column skew_probe int not null default 0;
            alter table spool.msg add column skew_probe text;
            create index skew_probe on spool.msg (skew_probe) where skew_probe is not null;`,
    mailstore: `alter table mailstore.mailbox_msg add column skew_probe int;
                alter table mailstore.email add column skew_probe int not null default 0;
                alter table mailstore.account_seq add column skew_probe bigint;`,
  };
  for (const source of [spoolSchema, mailstoreSchema]) {
    const folder = temporaryFolder();
    try {
      for (const { name, sql } of readMigrations(source)) fs.writeFileSync(path.join(folder, name), sql);
      const revision = String(readMigrations(source).length + 1).padStart(4, '0');
      fs.writeFileSync(
        path.join(folder, `${revision}-skew-probe.sql`),
        next[source.schema as keyof typeof next],
      );
      await migrate(adminUrl, [{ schema: source.schema, folder }]);
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }
}

function rootsOf(names: readonly string[]): Record<string, string> {
  const { root } = old as PreviousVersion;
  return Object.fromEntries(names.map((name) => [name, root]));
}

/** The processes are what the mix says. */
function assertVersions(t: TestWorld, names: readonly string[]): void {
  const { root } = old as PreviousVersion;
  const running = t.world.agents.filter((agent) => agent.main.startsWith(root)).map((agent) => agent.name);
  assert.deepEqual(running.toSorted(), [...names].toSorted());
}
