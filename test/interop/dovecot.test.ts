import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { ImapClient, temporaryFolder } from '@waybill/lab';
import { startDovecot } from '../../bench/peers/dovecot.ts';
import { findPrograms } from '../../bench/peers/programs.ts';
import { PASSWORD } from '../../bench/peers/target.ts';
import { message, TestWorld } from '../journeys/a-world.ts';
import { needs, type Ran, run } from './programs.ts';

/** A stock Dovecot in the place of mda for one domain, and its own client of the auth protocol at our auth. */
needs(import.meta.filename);
const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());
const folder = temporaryFolder();
resources.defer(() => fs.rmSync(folder, { recursive: true, force: true }));
// Dovecot's own accounts look into it.
fs.chmodSync(folder, 0o755);
const socket = path.join(folder, 'sasl');
const t = resources.use(
  await TestWorld.start({ extra: { auth: { WAYBILL_FOREIGN_SASL: `unix:${socket}` } } }),
);
const dovecot = resources.use(
  await startDovecot({
    program: findPrograms().dovecot ?? 'dovecot',
    folder,
    certificate: path.join(t.world.dataDir, 'certificates/public.pem'),
    key: path.join(t.world.dataDir, 'certificates/public.key'),
    users: ['erin@dove.test'],
    clear: 'erin@dove.test',
    format: 'maildir',
  }),
);
await t.world.addDomain('dove.test', `lmtp://127.0.0.1:${dovecot.ports.lmtp}`);

async function inboxOfErin(): Promise<string[]> {
  const client = await ImapClient.connect({ port: dovecot.ports.imap, ca: t.ca });
  try {
    await client.login('erin@dove.test', PASSWORD);
    await client.ok('SELECT INBOX');
    const fetched = await client.ok('FETCH 1:* (BODY.PEEK[])');
    return fetched.untagged.flatMap(({ literals }) => literals.map((literal) => literal.toString('latin1')));
  } finally {
    client.close();
  }
}

test('mta delivers a domain to Dovecot’s LMTP, octet for octet, and the journey says where it went', async () => {
  const text = message(
    { From: t.alice.address, To: 'erin@dove.test', Subject: 'over', 'Message-ID': '<to-dovecot@red.test>' },
    'ä\n.dot\n  end ',
  );
  const refused = await t.send(
    t.submission(t.alice),
    t.alice.address,
    'erin@dove.test',
    text.replaceAll(/^\./gm, '..'),
  );
  assert.equal(refused, undefined);
  const view = await t.journey('<to-dovecot@red.test>', (one) =>
    one.recipients.some(({ state }) => state === 'handed on' || state === 'delivered'),
  );
  assert.ok(view.steps.length > 0);
  const [filed = ''] = await inboxOfErin();
  assert.match(filed, /^Return-Path: <alice@red\.test>\r\n/);
  assert.match(filed, /\r\n\r\nä\r\n\.dot\r\n {2}end \r\n$/);
});

test('whom Dovecot does not know comes back to the writer as a report', async () => {
  const text = message({ From: t.alice.address, To: 'nobody@dove.test', 'Message-ID': '<nobody@red.test>' });
  assert.equal(await t.send(t.submission(t.alice), t.alice.address, 'nobody@dove.test', text), undefined);
  const [report = ''] = await t.inbox(t.alice, 1);
  assert.match(report, /nobody@dove\.test/);
  assert.match(report, /^Status: 5\.1\.1\r$/m);
});

function testLogin(user: string, password: string): Promise<Ran> {
  const config = ['-c', path.join(folder, 'dovecot.conf')];
  const facts = ['-x', 'service=smtp', '-x', 'rip=192.0.2.9'];
  return run('doveadm', [...config, 'auth', 'test', '-a', socket, ...facts, user, password]);
}

test('doveadm’s own client logs in at our auth, over its unix socket', async () => {
  const right = await testLogin(t.alice.address, t.alice.password);
  assert.equal(right.code, 0, right.said);
  assert.match(right.said, /auth succeeded/);
  assert.match(right.said, /user=alice@red\.test/);
  const wrong = await testLogin(t.alice.address, 'wrong');
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.said, /auth failed/);
});
