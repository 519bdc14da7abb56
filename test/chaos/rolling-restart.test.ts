import assert from 'node:assert/strict';
import fs from 'node:fs';
import test, { after } from 'node:test';
import { AGENTS, ImapClient } from '@waybill/lab';
import { ledgerWorld } from './ledger-world.ts';

/** Replicas that said that they had stopped in order: who was killed for being late says nothing. */
const stopped: string[] = [];
const t = await ledgerWorld({
  replicas: { auth: 2, mda: 2, mta: 2, mx: 2, msa: 2, mra: 2 },
  onLine: (line) => {
    if (line.includes('"msg":"stopped"')) stopped.push(line.split(' ', 1)[0] ?? '');
  },
});
after(() => t[Symbol.asyncDispose]());

/** What a client may meet while replicas go and come: 421, or a port that is just not there. */
const ALLOWED = /^421 |^the connection was lost(?: after the greeting)?$/;

test('every replica of every agent restarted in turn under load: mail exactly once, clients hear 421 at most', async () => {
  const [reader] = t.world.users;
  assert.ok(reader);
  const idler = await ImapClient.connect({
    port: t.world.replicasOf('mra')[0]?.ports['imaps'] ?? 0,
    ca: fs.readFileSync(t.world.caFile, 'utf8'),
  });
  await idler.login(reader.address, reader.password);
  await idler.ok('SELECT INBOX');
  const goodbyes: string[] = [];
  const idled = idler
    .idle(({ text }) => {
      if (text.startsWith('* BYE')) goodbyes.push(text);
      return text.startsWith('* BYE');
    })
    .catch(() => undefined);

  const replicas = AGENTS.flatMap((agent) => t.world.replicasOf(agent).map(({ name }) => name));
  const report = await t.survives({ messages: 240, seconds: 12 }, async () => {
    for (const name of replicas) await t.world.replace(name);
  });
  assert.deepEqual(stopped.toSorted(), replicas.toSorted(), 'all ended in order and in time');
  assert.deepEqual(
    report.errors.filter(([what]) => !ALLOWED.test(what)),
    [],
  );
  await idled;
  idler.close();
  assert.equal(goodbyes.length, 1);
});
