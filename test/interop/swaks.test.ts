import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { type LabUser } from '@waybill/lab';
import { TestWorld } from '../journeys/a-world.ts';
import { needs, type Ran, run } from './programs.ts';

/** swaks, the SMTP tester's tool: every way to log in over every kind of TLS, and refusals as it reads them. */
needs(import.meta.filename);
const t = await TestWorld.start();
after(() => t[Symbol.asyncDispose]());
const { ports } = t.world;

const STARTTLS = ['--port', String(ports.msa), '--tls'];
const TLS = ['--port', String(ports.msas), '--tls-on-connect'];
const MX = ['--port', String(t.world.replicasOf('mx')[0]?.ports['port'])];

function swaks(...args: string[]): Promise<Ran> {
  const server = ['--server', 'localhost', '-4', '--tls-verify', '--tls-ca-path', t.world.caFile];
  return run('swaks', [...server, '--ehlo', 'client.example', '--from', t.alice.address, ...args]);
}

const login = (mechanism: string, user: LabUser): string[] => [
  '--auth',
  mechanism,
  '--auth-user',
  user.address,
  '--auth-password',
  user.password,
];

let sent = 0;
for (const [door, how] of [
  ['STARTTLS', STARTTLS],
  ['TLS', TLS],
] as const) {
  for (const mechanism of ['PLAIN', 'LOGIN']) {
    test(`AUTH ${mechanism} over ${door} sends a message that arrives`, async () => {
      const subject = `${mechanism} over ${door}`;
      const ran = await swaks(
        ...how,
        ...login(mechanism, t.alice),
        '--to',
        t.bob.address,
        '--h-Subject',
        subject,
      );
      assert.equal(ran.code, 0, ran.said);
      assert.match(ran.said, /^<~ {2}235 2\.7\.0 /m);
      assert.match(ran.said, /^<~ {2}250 2\.0\.0 .*queued as /m);
      const inbox = await t.inbox(t.bob, ++sent);
      assert.ok(inbox.at(-1)?.includes(`\r\nSubject: ${subject}\r\n`), inbox.at(-1));
    });
  }
}

test('an unknown user is refused 550 5.1.1 by msa, and by mx with and without TLS', async () => {
  for (const how of [[...TLS, ...login('PLAIN', t.alice)], MX, [...MX, '--tls']]) {
    const ran = await swaks(...how, '--to', 'nobody@blue.test');
    assert.equal(ran.code, 24, ran.said);
    assert.match(ran.said, /^<[~*]\* 550 5\.1\.1 /m);
  }
});

test('of two recipients the known one gets the message', async () => {
  const ran = await swaks(...MX, '--to', `nobody@blue.test,${t.bob.address}`);
  assert.equal(ran.code, 0, ran.said);
  assert.match(ran.said, /^<\*\* 550 5\.1\.1 /m);
  await t.inbox(t.bob, ++sent);
});

test('a wrong password is 535, and a login is not offered before TLS', async () => {
  const wrong = await swaks(
    ...TLS,
    ...login('LOGIN', { address: t.alice.address, password: 'wrong' }),
    '--to',
    t.bob.address,
  );
  assert.equal(wrong.code, 28, wrong.said);
  assert.match(wrong.said, /^<~\* 535 5\.7\.8 /m);
  const clear = await swaks('--port', String(ports.msa), ...login('PLAIN', t.alice), '--to', t.bob.address);
  assert.equal(clear.code, 28, clear.said);
  assert.match(clear.said, /did not advertise authentication/);
});

test('a message to elsewhere is not relayed by mx', async () => {
  const ran = await swaks(...MX, '--to', 'somebody@elsewhere.example');
  assert.equal(ran.code, 24, ran.said);
  assert.match(ran.said, /^<\*\* 55\d 5\.7\.1 /m);
});

test('a pipelined session to mx is answered in order', async () => {
  const ran = await swaks(...MX, '--pipeline', '--to', t.bob.address);
  assert.equal(ran.code, 0, ran.said);
  await t.inbox(t.bob, ++sent);
  await t.world.quiet();
  assert.equal((await t.inbox(t.bob)).length, sent, 'nothing else arrived');
});
