import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import test, { after } from 'node:test';
import tls from 'node:tls';
import { freePort, type LabUser, temporaryFolder } from '@waybill/lab';
import { findPrograms } from '../../bench/peers/programs.ts';
import { type Postfix, startPostfix } from '../../bench/peers/postfix.ts';
import { TestWorld } from '../journeys/a-world.ts';
import { ScramClient } from '../journeys/scram-client.ts';
import { needs, type Ran, run } from './programs.ts';

/**
 * A stock Postfix where msa or mx would stand: it asks our auth who logs in, whose address it is, who may send as
 * it and how much, and hands to our mda. It knows nobody itself: its accounts are in our Postgres only.
 */
needs(import.meta.filename);
const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());
const folder = temporaryFolder();
resources.defer(() => fs.rmSync(folder, { recursive: true, force: true }));
// Postfix's own account looks into it.
fs.chmodSync(folder, 0o755);
const [sasl, socketmap, policy] = [await freePort(), await freePort(), await freePort()];
const t = resources.use(
  await TestWorld.start({
    extra: {
      auth: {
        WAYBILL_FOREIGN_NETWORKS: '127.0.0.1/32',
        WAYBILL_FOREIGN_SASL: `127.0.0.1:${sasl}`,
        WAYBILL_FOREIGN_SOCKETMAP: `127.0.0.1:${socketmap}`,
        WAYBILL_FOREIGN_POLICY: `127.0.0.1:${policy}`,
      },
      mda: { WAYBILL_LMTP_NETWORKS: '127.0.0.1/32' },
    },
  }),
);
await t.world.addDomain('far.test');
const carol = await t.world.addUser('carol@far.test');
const dave = await t.world.addUser('dave@far.test');
await t.world.addAlias('team@far.test', [carol.address, dave.address]);
await t.world.addAlias('desk@far.test', [carol.address]);
const postfix = resources.use(await start());

function start(): Promise<Postfix> {
  const map = (name: string): string => `socketmap:inet:127.0.0.1:${socketmap}:${name}`;
  return startPostfix({
    program: findPrograms().postfix ?? 'postfix',
    folder,
    certificate: path.join(t.world.dataDir, 'certificates/public.pem'),
    key: path.join(t.world.dataDir, 'certificates/public.key'),
    users: [],
    lmtpPort: t.world.replicasOf('mda')[0]?.ports['port'] ?? 0,
    // Nothing leaves by it: every recipient of these tests ends in our mda, or is refused.
    sinkPort: 9,
    saslSocket: `inet:127.0.0.1:${sasl}`,
    settings: {
      virtual_mailbox_domains: map('domains'),
      virtual_mailbox_maps: map('mailboxes'),
      virtual_alias_maps: map('aliases'),
      transport_maps: map('transports'),
      smtpd_sender_login_maps: map('senders'),
      smtpd_data_restrictions: `check_policy_service inet:127.0.0.1:${policy}`,
    },
    submission: { smtpd_sender_restrictions: 'reject_sender_login_mismatch' },
  });
}

let subjects = 0;

/** swaks to the submission door, logged in. */
function submit(user: LabUser, to: string, ...args: string[]): Promise<Ran> {
  const server = ['--server', 'localhost', '-4', '--port', String(postfix.ports.submission)];
  const tls = ['--tls-on-connect', '--tls-verify', '--tls-ca-path', t.world.caFile];
  const login = ['--auth-user', user.address, '--auth-password', user.password];
  const from = args.includes('--from') ? [] : ['--from', user.address];
  const auth = args.includes('--auth') ? [] : ['--auth', 'PLAIN'];
  const subject = ['--h-Subject', `message ${++subjects}`];
  return run('swaks', [...server, ...tls, ...auth, ...login, ...from, ...subject, '--to', to, ...args]);
}

/** swaks to the door for strangers. */
function bring(to: string, ...args: string[]): Promise<Ran> {
  const server = ['--server', '127.0.0.1', '--port', String(postfix.ports.mx)];
  const from = ['--from', 'eve@elsewhere.test', '--h-Subject', `message ${++subjects}`];
  return run('swaks', [...server, ...from, '--to', to, ...args]);
}

const subjectsOf = (inbox: readonly string[]): string[] =>
  inbox.map((text) => /^Subject: (.*)\r$/m.exec(text)?.[1] ?? '');

for (const mechanism of ['PLAIN', 'LOGIN']) {
  test(`AUTH ${mechanism} at Postfix sends a message that arrives in an account of our Postgres`, async () => {
    const ran = await submit(carol, dave.address, '--auth', mechanism);
    assert.equal(ran.code, 0, ran.said);
    assert.match(ran.said, /^<~ {2}235 2\.7\.0 /m);
    const inbox = await t.inbox(dave, mechanism === 'PLAIN' ? 1 : 2);
    assert.equal(subjectsOf(inbox).at(-1), `message ${subjects}`);
    assert.match(inbox.at(-1) ?? '', /^Return-Path: <carol@far\.test>\r\nDelivered-To: dave@far\.test\r\n/);
    assert.match(inbox.at(-1) ?? '', /^\tby mx\.bench\.test \(Postfix\) with ESMTPSA id /m);
  });
}

test('AUTH SCRAM-SHA-256 passes through Postfix, and each side shows that it knows the password', async () => {
  const said = async (password: string): Promise<string> => {
    const client = new ScramClient(carol.address, password);
    const socket = tls.connect({ port: postfix.ports.submission, ca: t.ca, servername: 'localhost' });
    const lines = readline.createInterface(socket)[Symbol.asyncIterator]();
    const next = async (): Promise<string> => String((await lines.next()).value ?? '');
    try {
      await next();
      socket.write('EHLO client.example\r\n');
      for (let line = await next(); line.startsWith('250-'); line = await next()) {
        if (line.startsWith('250-AUTH ')) assert.equal(line, '250-AUTH PLAIN LOGIN SCRAM-SHA-256');
      }
      socket.write(`AUTH SCRAM-SHA-256 ${client.first()}\r\n`);
      socket.write(`${client.proof((await next()).slice('334 '.length))}\r\n`);
      const last = await next();
      if (!last.startsWith('334 ')) return last;
      assert.ok(client.verifies(last.slice('334 '.length)));
      socket.write('\r\n');
      return await next();
    } finally {
      socket.destroy();
    }
  };
  assert.match(await said(carol.password), /^235 2\.7\.0 /);
  assert.match(await said('wrong'), /^535 5\.7\.8 /);
});

test('a wrong password, and a user that nobody has, are refused alike', async () => {
  const wrong = await submit({ ...carol, password: 'wrong' }, dave.address);
  const unknown = await submit({ address: 'nobody@far.test', password: 'wrong' }, dave.address);
  for (const ran of [wrong, unknown]) {
    assert.equal(ran.code, 28, ran.said);
    assert.match(ran.said, /^<~\* 535 5\.7\.8 .*Authentication failed/m);
  }
});

test('a sender that is somebody else’s, or a stranger’s, is refused on our word', async () => {
  for (const from of [dave.address, 'nobody@far.test', 'ceo@elsewhere.test', 'team@far.test']) {
    const ran = await submit(carol, dave.address, '--from', from);
    assert.equal(ran.code, 24, ran.said);
    assert.match(ran.said, /^<~\* 553 5\.7\.1 .*not owned by user carol@far\.test/m);
  }
});

test('an alias that leads to the account alone, and a tag of its address, are its own', async () => {
  const before = (await t.inbox(dave)).length;
  for (const from of ['desk@far.test', 'carol+shop@far.test']) {
    const ran = await submit(carol, dave.address, '--from', from);
    assert.equal(ran.code, 0, ran.said);
  }
  await t.inbox(dave, before + 2);
});

test('a stranger’s mail arrives by address, tag and alias; once for each who is meant', async () => {
  const before = { carol: (await t.inbox(carol)).length, dave: (await t.inbox(dave)).length };
  for (const to of ['Carol@FAR.test', 'carol+list@far.test', 'team@far.test']) {
    const ran = await bring(to);
    assert.equal(ran.code, 0, ran.said);
  }
  await t.inbox(carol, before.carol + 3);
  const inbox = await t.inbox(dave, before.dave + 1);
  assert.equal(subjectsOf(inbox).at(-1), `message ${subjects}`);
});

test('a user, and a domain, that we do not have are refused to strangers and to writers', async () => {
  const unknown = await bring('nobody@far.test');
  assert.equal(unknown.code, 24, unknown.said);
  assert.match(unknown.said, /^<\*\* 550 5\.1\.1 .*User unknown/m);
  const relay = await bring('somebody@elsewhere.test');
  assert.match(relay.said, /^<\*\* 554 5\.7\.1 .*Relay access denied/m);
  const writer = await submit(carol, 'nobody@far.test');
  assert.match(writer.said, /^<~\* 550 5\.1\.1 .*User unknown/m);
});

test('what a login sends is counted against the limits of its account', async () => {
  await t.world.directory.call('accounts/set-limits', { address: dave.address, messagesPerHour: 1 });
  const before = (await t.inbox(carol)).length;
  const first = await submit(dave, carol.address);
  assert.equal(first.code, 0, first.said);
  const second = await submit(dave, carol.address);
  assert.match(second.said, /^<~\* 451 4\.7\.1 .*limit of 1 messages per hour is reached/m);
  await t.inbox(carol, before + 1);
});

test('a client that the operator banned is refused with his reason', async () => {
  const address = '127.0.0.66';
  await t.world.directory.call('bans/add', { network: address, reason: 'tried every door' });
  let ran = await bring(carol.address, '--local-interface', address);
  // auth looks at its list every few seconds.
  while (ran.code === 0) ran = await bring(carol.address, '--local-interface', address);
  assert.match(ran.said, /^<\*\* 554 5\.7\.1 .*tried every door/m);
  assert.equal((await bring(carol.address)).code, 0, 'nobody else is banned');
});

test('while auth is away, Postfix says try again, and never that somebody is unknown', async () => {
  // A process of Postfix that finds no auth at its start gives up, and its door rests for a minute; one that
  // was there before goes on.
  assert.equal((await submit(carol, dave.address)).code, 0);
  const auth = t.world.agent('auth-1');
  await auth.stop();
  try {
    const login = await submit(carol, dave.address);
    assert.equal(login.code, 28, login.said);
    assert.match(login.said, /^<~\* 454 4\.7\.0 /m);
    const mail = await bring(carol.address);
    assert.match(mail.said, /^<\*\* 451 4\.3\.0 /m);
  } finally {
    await auth.start();
  }
  const again = await submit(carol, dave.address);
  assert.equal(again.code, 0, again.said);
});
