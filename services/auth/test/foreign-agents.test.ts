import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import test, { after } from 'node:test';
import { freePort, temporaryFolder } from '@waybill/lab';
import pg from 'pg';
import { startAuth } from './running-auth.ts';

/** The foreign doors of a running auth on a real Postgres, asked octet by octet as foreign agents ask. */
const [sasl, socketmap, policy] = [await freePort(), await freePort(), await freePort()];
const folder = temporaryFolder();
const auth = await startAuth({
  WAYBILL_FOREIGN_NETWORKS: '127.0.0.1',
  WAYBILL_FOREIGN_SASL: `127.0.0.1:${sasl},unix:${path.join(folder, 'sasl')}`,
  WAYBILL_FOREIGN_SOCKETMAP: `127.0.0.1:${socketmap}`,
  WAYBILL_FOREIGN_POLICY: `127.0.0.1:${policy}`,
  WAYBILL_SEND_MESSAGES_HOUR: 2,
});
after(() => auth[Symbol.asyncDispose]());
const operator = await auth.operator();
const admin = new pg.Client({ connectionString: auth.db.url });
admin.on('error', () => undefined);
await admin.connect();
after(() => admin.end());

await operator.call('domains/add', { name: 'red.test' });
await operator.call('domains/add', { name: 'far.test', route: 'lmtp://store.test:24' });
for (const name of ['ann', 'ben', 'sam']) {
  await operator.call('accounts/add', { address: `${name}@red.test`, password: `pass of ${name}` });
}
await operator.call('accounts/set-state', { address: 'sam@red.test', state: 'suspended' });
await operator.call('aliases/add', { address: 'desk@red.test', targets: ['ann@red.test'] });
await operator.call('aliases/add', {
  address: 'all@red.test',
  targets: ['ann@red.test', 'ben@red.test', 'out@elsewhere.test'],
});
await operator.call('aliases/add', { address: 'loop@red.test', targets: ['loop@red.test'] });
await operator.call('aliases/add', {
  address: '"two words"@red.test',
  targets: ['"a, b"@elsewhere.test', 'ben@red.test'],
});

/** Says it and gives back what has been heard when it satisfies. */
async function talk(port: number | string, said: string, until: (heard: string) => boolean): Promise<string> {
  const socket = typeof port === 'number' ? net.connect(port, '127.0.0.1') : net.connect(port);
  socket.on('error', () => undefined);
  let heard = '';
  socket.write(said);
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      heard += chunk.toString();
      if (until(heard)) return heard;
    }
    return heard;
  } finally {
    socket.destroy();
  }
}

async function look(map: string, key: string): Promise<string> {
  const request = `${map} ${key}`;
  const heard = await talk(socketmap, `${Buffer.byteLength(request)}:${request},`, (text) =>
    text.endsWith(','),
  );
  return heard.slice(heard.indexOf(':') + 1, -1);
}

test('each door says at start where it is, that it is in clear, and who may ask', () => {
  const opened = auth.lines.filter(({ mayAsk }) => mayAsk !== undefined);
  assert.deepEqual(
    opened.map(({ door, at, mayAsk }) => [door, at, mayAsk]),
    [
      ['sasl', `inet:127.0.0.1:${sasl}`, '127.0.0.1'],
      ['sasl', `unix:${path.join(folder, 'sasl')}`, 'whom mode 0660 lets in'],
      ['socketmap', `inet:127.0.0.1:${socketmap}`, '127.0.0.1'],
      ['policy', `inet:127.0.0.1:${policy}`, '127.0.0.1'],
    ],
  );
});

const TABLE: readonly (readonly [map: string, key: string, answer: string])[] = [
  ['domains', 'red.test', 'OK red.test'],
  ['domains', 'RED.test', 'OK red.test'],
  ['domains', 'far.test', 'OK far.test'],
  ['domains', 'elsewhere.test', 'NOTFOUND '],
  ['domains', 'sub.red.test', 'NOTFOUND '],
  ['domains', 'ann@red.test', 'NOTFOUND '],
  ['domains', '', 'NOTFOUND '],
  ['mailboxes', 'ann@red.test', 'OK ann@red.test'],
  ['mailboxes', 'Ann+shop@RED.test', 'OK ann@red.test'],
  ['mailboxes', '"ann"@red.test', 'OK ann@red.test'],
  // It gets mail, but may neither log in nor send.
  ['mailboxes', 'sam@red.test', 'OK sam@red.test'],
  ['mailboxes', 'desk@red.test', 'NOTFOUND '],
  ['mailboxes', 'nobody@red.test', 'NOTFOUND '],
  ['mailboxes', 'ann@elsewhere.test', 'NOTFOUND '],
  ['mailboxes', 'red.test', 'NOTFOUND '],
  ['mailboxes', '@red.test', 'NOTFOUND '],
  // Its own store knows who is there.
  ['mailboxes', 'anybody@far.test', 'OK anybody@far.test'],
  ['aliases', 'desk@red.test', 'OK ann@red.test'],
  ['aliases', 'desk+tag@red.test', 'OK ann@red.test'],
  ['aliases', 'all@red.test', 'OK ann@red.test, ben@red.test, out@elsewhere.test'],
  ['aliases', 'two words@red.test', 'OK "a, b"@elsewhere.test, ben@red.test'],
  ['aliases', 'ann@red.test', 'NOTFOUND '],
  ['aliases', 'loop@red.test', 'NOTFOUND '],
  ['aliases', 'nobody@red.test', 'NOTFOUND '],
  ['aliases', 'anybody@far.test', 'NOTFOUND '],
  ['aliases', 'out@elsewhere.test', 'NOTFOUND '],
  ['aliases', 'red.test', 'NOTFOUND '],
  ['senders', 'ann@red.test', 'OK ann@red.test'],
  ['senders', 'ann+shop@red.test', 'OK ann@red.test'],
  ['senders', 'desk@red.test', 'OK ann@red.test'],
  ['senders', 'all@red.test', 'NOTFOUND '],
  ['senders', 'sam@red.test', 'NOTFOUND '],
  ['senders', 'nobody@red.test', 'NOTFOUND '],
  ['senders', 'ceo@elsewhere.test', 'NOTFOUND '],
  ['senders', '', 'NOTFOUND '],
  ['transports', 'anybody@far.test', 'OK lmtp:inet:store.test:24'],
  ['transports', 'far.test', 'OK lmtp:inet:store.test:24'],
  ['transports', 'ann@red.test', 'NOTFOUND '],
  ['transports', '*', 'NOTFOUND '],
];

test('the tables of Postfix are answered truly, form by form', async () => {
  for (const [map, key, answer] of TABLE) assert.equal(await look(map, key), answer, `${map} ${key}`);
});

test('an address that was granted has its holder among the senders', async () => {
  await operator.call('grants/add', { address: 'ben@red.test', sender: 'all@red.test' });
  await operator.call('grants/add', { address: 'ben@red.test', sender: '@elsewhere.test' });
  await operator.call('grants/add', { address: 'ben@red.test', sender: 'ann@red.test' });
  assert.equal(await look('senders', 'all@red.test'), 'OK ben@red.test');
  assert.equal(await look('senders', 'ceo@elsewhere.test'), 'OK ben@red.test');
  assert.equal(await look('senders', 'ann@red.test'), 'OK ann@red.test, ben@red.test');
});

test('a return path that we sealed leads a bounce home, through another’s MTA as through ours', async () => {
  const mta = await auth.clientAs('mta');
  const sealed = await mta.forwardSender({ sender: 'writer@elsewhere.test', via: 'all@red.test' });
  assert.ok('sender' in sealed);
  assert.equal(await look('aliases', sealed.sender), 'OK writer@elsewhere.test');
  assert.equal(await look('mailboxes', sealed.sender), 'NOTFOUND ');
  assert.equal(await look('aliases', sealed.sender.replace('writer', 'reader')), 'NOTFOUND ');
});

test('another table is a fault of the configuration, and said to be', async () => {
  assert.match(await look('passwords', 'ann@red.test'), /^PERM there is no such map/);
  assert.match(await talk(socketmap, '7:domains,', (text) => text.endsWith(',')), /^\d+:PERM /);
});

test('requests on one connection are answered in order; a key may be long', async () => {
  const long = `mailboxes ${'x'.repeat(100_000)}`;
  const heard = await talk(
    socketmap,
    `16:domains red.test,${long.length}:${long},17:domains none.test,16:domains far.test,`,
    (text) => text.split(',').length === 5,
  );
  assert.equal(heard, '11:OK red.test,9:NOTFOUND ,9:NOTFOUND ,11:OK far.test,');
});

test('an alias beyond its limits is TEMP, and the log says which', async () => {
  const targets = Array.from(
    { length: 900 },
    (_, i) => `${i}${'y'.repeat(50)}@${'z'.repeat(60)}.elsewhere.test`,
  );
  await operator.call('aliases/add', { address: 'crowd@red.test', targets });
  assert.match(await look('aliases', 'crowd@red.test'), /^TEMP /);
});

const login = (user: string, password: string): string =>
  Buffer.from(`\0${user}\0${password}`).toString('base64');
const HELLO = 'VERSION\t1\t2\nCPID\t1\n';
const ask = (id: number, user: string, password: string): string =>
  `AUTH\t${id}\tPLAIN\tservice=smtp\tnologin\trip=192.0.2.9\tsecured\tresp=${login(user, password)}\n`;
const answers = (heard: string): string[] => heard.split('DONE\n')[1]?.split('\n').slice(0, -1) ?? [];

test('logins are answered beside each other, over TCP and the unix socket', async () => {
  for (const place of [sasl, path.join(folder, 'sasl')]) {
    const heard = await talk(
      place,
      `${HELLO}${ask(1, 'ann@red.test', 'pass of ann')}${ask(2, 'ben@red.test', 'pass of ben')}${ask(3, 'ann@red.test', 'wrong')}`,
      (text) => answers(text).length === 3,
    );
    assert.deepEqual(answers(heard).toSorted(), [
      'FAIL\t3\treason=Authentication failed',
      'OK\t1\tuser=ann@red.test',
      'OK\t2\tuser=ben@red.test',
    ]);
  }
});

test('a suspended account, an unknown one and a wrong password hear the same', async () => {
  const heard = await talk(
    sasl,
    `${HELLO}${ask(1, 'sam@red.test', 'pass of sam')}${ask(2, 'nobody@red.test', 'x')}${ask(3, 'ben@red.test', 'x')}`,
    (text) => answers(text).length === 3,
  );
  for (const line of answers(heard)) assert.match(line, /^FAIL\t[123]\treason=Authentication failed$/);
});

test('LOGIN goes step by step; the mechanisms are those without tokens', async () => {
  const socket = net.connect(sasl, '127.0.0.1');
  after(() => socket.destroy());
  let heard = '';
  const next = async (pattern: RegExp): Promise<string> => {
    for (let found = pattern.exec(heard); ; found = pattern.exec(heard)) {
      if (found !== null) return found[0];
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      heard += chunk.toString();
    }
  };
  socket.write(`${HELLO}AUTH\t1\tLOGIN\tservice=smtp\trip=192.0.2.9\n`);
  await next(/CONT\t1\tVXNlcm5hbWU6\n/);
  assert.deepEqual(heard.match(/(?<=MECH\t)\S+/g), ['PLAIN', 'LOGIN', 'SCRAM-SHA-256']);
  socket.write(`CONT\t1\t${Buffer.from('ann@red.test').toString('base64')}\n`);
  await next(/CONT\t1\tUGFzc3dvcmQ6\n/);
  socket.write(`CONT\t1\t${Buffer.from('pass of ann').toString('base64')}\n`);
  assert.equal(await next(/OK\t1.*\n/), 'OK\t1\tuser=ann@red.test\n');
});

test('garbage at any door is closed without an answer, with a line in the log', async () => {
  for (const [door, port, said] of [
    ['sasl', sasl, 'EHLO client.test\r\n'],
    ['socketmap', socketmap, 'GET / HTTP/1.1\r\n'],
    ['policy', policy, 'GET / HTTP/1.1\r\n\r\n\n\n'],
  ] as const) {
    const heard = await talk(port, said, () => false);
    assert.doesNotMatch(heard, /^(OK|FAIL|CONT|action)|:[A-Z]+ /m);
    assert.ok(
      auth.lines.some((line) => line['door'] === door && line['why'] !== undefined),
      door,
    );
  }
});

async function decide(attributes: Readonly<Record<string, string>>): Promise<string> {
  const lines = Object.entries({
    request: 'smtpd_access_policy',
    client_address: '192.0.2.9',
    ...attributes,
  });
  const said = `${lines.map(([name, value]) => `${name}=${value}\n`).join('')}\n`;
  const heard = await talk(policy, said, (text) => text.endsWith('\n\n'));
  return heard.trimEnd().slice('action='.length);
}

test('messages of a login are counted, each once, up to the limit of the account', async () => {
  const message = { protocol_state: 'DATA', sasl_username: 'ben@red.test', recipient_count: '2' };
  assert.equal(await decide({ ...message, protocol_state: 'RCPT' }), 'DUNNO');
  const twice = ['DATA', 'END-OF-MESSAGE'].map(
    (state) =>
      `request=smtpd_access_policy\nprotocol_state=${state}\nsasl_username=ben@red.test\ninstance=a.1\n\n`,
  );
  const heard = await talk(policy, twice.join(''), (text) => text.split('\n\n').length === 3);
  assert.equal(heard, 'action=DUNNO\n\naction=DUNNO\n\n');
  assert.equal(await decide({ ...message, instance: 'a.2' }), 'DUNNO');
  assert.match(
    await decide({ ...message, instance: 'a.3' }),
    /^451 4\.7\.1 The limit of 2 messages per hour is reached/,
  );
  assert.equal(await decide({ ...message, sasl_username: '' }), 'DUNNO');
  assert.match(await decide({ ...message, sasl_username: 'sam@red.test' }), /^REJECT 5\.7\.1 /);
});

test('trouble with Postgres is temporary at every door, and nobody is called unknown', async () => {
  await admin.query('revoke select on directory.domain, directory.address from waybill_auth');
  try {
    for (const map of ['domains', 'mailboxes', 'aliases', 'senders', 'transports']) {
      const key = map === 'domains' ? 'red.test' : 'ann@red.test';
      assert.equal(await look(map, key), 'TEMP the directory cannot answer now', map);
    }
    const data = { protocol_state: 'DATA', sasl_username: 'ann@red.test' };
    assert.match(await decide(data), /^DEFER_IF_PERMIT 4\.3\.0 /);
    const newer = await talk(
      sasl,
      HELLO + ask(1, 'ann@red.test', 'pass of ann'),
      (text) => answers(text).length === 1,
    );
    assert.match(answers(newer)[0] ?? '', /^FAIL\t1\ttemp\tcode=temp_fail\t/);
    const older = await talk(
      sasl,
      `VERSION\t1\t0\nCPID\t1\n${ask(1, 'ann@red.test', 'pass of ann')}`,
      () => false,
    );
    assert.deepEqual(answers(older), [], 'the connection broke, as version 1.0 understands it');
  } finally {
    await admin.query('grant select on directory.domain, directory.address to waybill_auth');
  }
  assert.equal(await look('mailboxes', 'ann@red.test'), 'OK ann@red.test');
});

test('what is asked is counted by door and result', async () => {
  const text = await auth.metrics.registry.getSingleMetricAsString('waybill_auth_foreign_requests_total');
  const counted = [...text.matchAll(/door="(\w+)",result="([\w-]+)"/g)].map(
    ([, door, result]) => `${door} ${result}`,
  );
  for (const one of [
    'sasl ok',
    'sasl denied',
    'sasl garbage',
    'socketmap found',
    'socketmap not-found',
    'socketmap try-later',
    'policy limited',
    'policy garbage',
  ])
    assert.ok(counted.includes(one), `${one} in ${counted.join(', ')}`);
});
