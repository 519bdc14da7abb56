import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import pg from 'pg';
import { startAuth } from './running-auth.ts';

const auth = await startAuth({ WAYBILL_CLIENT_FAILURES: 6 });
after(() => auth[Symbol.asyncDispose]());
const operator = await auth.operator();
const mra = await auth.clientAs('mra', { deadlineMs: 20_000 });
await operator.call('domains/add', { name: 'red.test' });

/** Every test is a client of its own, so that no failure of one slows another. */
let clients = 0;
const newClient = (): string => `192.0.2.${++clients}`;
async function logIn(username: string, password: string, client = newClient()): Promise<string> {
  return (await mra.authenticate({ username, password, client, protocol: 'imap' })).status;
}
async function addUser(address: string, password: string): Promise<void> {
  await operator.call('accounts/add', { address, password });
}
/** How many passwords were really hashed. */
async function hashes(): Promise<number> {
  const found = /waybill_auth_hash_seconds_count\{[^}]*\} (\d+)/.exec(await auth.metrics.registry.metrics());
  return Number(found?.[1] ?? 0);
}

test('the right password opens the account, by any spelling of the address', async () => {
  await addUser('alice@red.test', 'open sesame');
  const answer = await mra.authenticate({
    username: 'Alice@RED.test',
    password: 'open sesame',
    client: newClient(),
    protocol: 'smtp',
  });
  assert.equal(answer.status === 'ok' ? answer.account.address : answer.status, 'alice@red.test');
});

const DENIED: readonly (readonly [what: string, username: string, password: string])[] = [
  ['a wrong password', 'alice@red.test', 'open sesam'],
  ['an empty password', 'alice@red.test', ''],
  ['an unknown user', 'nobody@red.test', 'open sesame'],
  ['a domain that is not ours', 'alice@elsewhere.example', 'open sesame'],
  ['a tagged address', 'alice+tag@red.test', 'open sesame'],
  ['a bare name', 'alice', 'open sesame'],
  ['an empty name', '', 'open sesame'],
  ['a NUL in the name', 'alice\u0000@red.test', 'open sesame'],
  ['a NUL in the password', 'alice@red.test', 'open sesame\u0000'],
  ['a password of 1,025 octets', 'alice@red.test', 'ä'.repeat(513)],
];
for (const [what, username, password] of DENIED) {
  test(`${what} is denied`, async () => {
    assert.equal(await logIn(username, password), 'denied');
  });
}

test('a password of 1,024 octets is a password', async () => {
  await addUser('long@red.test', 'x'.repeat(1024));
  assert.equal(await logIn('long@red.test', 'x'.repeat(1024)), 'ok');
});

test('a letter composed in two ways is one letter', async () => {
  await addUser('zoe@red.test', 'Zo\u00eb');
  assert.equal(await logIn('zoe@red.test', 'Zoe\u0308'), 'ok');
});

test('an account without a password opens to none', async () => {
  await operator.call('accounts/add', { address: 'empty@red.test' });
  assert.equal(await logIn('empty@red.test', ''), 'denied');
  assert.equal(await logIn('empty@red.test', 'anything'), 'denied');
});

test('any of several passwords opens the account, and a removed one no longer does', async () => {
  await addUser('bob@red.test', 'main one');
  await operator.call('credentials/set', { address: 'bob@red.test', label: 'phone', password: 'phone one' });
  assert.equal(await logIn('bob@red.test', 'main one'), 'ok');
  assert.equal(await logIn('bob@red.test', 'phone one'), 'ok');
  await operator.call('credentials/remove', { address: 'bob@red.test', label: 'phone' });
  assert.equal(await logIn('bob@red.test', 'phone one'), 'denied');
  assert.equal(await logIn('bob@red.test', 'main one'), 'ok');
});

test('an account has at most ten passwords', async () => {
  await addUser('many@red.test', 'p0');
  const set = (label: string): Promise<object> =>
    operator.call('credentials/set', { address: 'many@red.test', label, password: 'p' });
  for (let i = 1; i < 10; i++) await set(`app ${i}`);
  await assert.rejects(set('one more'), /at most 10/);
  await set('app 3'); // replacing one is no new one
});

test('a right password is hashed once a minute, until it is changed', async () => {
  await addUser('carol@red.test', 'first');
  assert.equal(await logIn('carol@red.test', 'first'), 'ok');
  const before = await hashes();
  for (let i = 0; i < 5; i++) assert.equal(await logIn('carol@red.test', 'first'), 'ok');
  assert.equal(await hashes(), before);
  await operator.call('credentials/set', {
    address: 'carol@red.test',
    label: 'password',
    password: 'second',
  });
  assert.equal(await logIn('carol@red.test', 'first'), 'denied');
  // The same label, the old password gone and come back under another version: still hashed anew.
  await operator.call('credentials/remove', { address: 'carol@red.test', label: 'password' });
  await operator.call('credentials/set', { address: 'carol@red.test', label: 'password', password: 'third' });
  assert.equal(await logIn('carol@red.test', 'first'), 'denied');
  assert.equal(await logIn('carol@red.test', 'third'), 'ok');
});

test('many connections with one password share one hash', async () => {
  await addUser('dora@red.test', 'shared');
  const before = await hashes();
  const answers = await Promise.all(Array.from({ length: 40 }, () => logIn('dora@red.test', 'shared')));
  assert.ok(answers.every((answer) => answer === 'ok'));
  assert.ok((await hashes()) - before <= 2, 'hashed for nearly every connection');
});

test('a suspended account is denied at once, although it was remembered', async () => {
  await addUser('eve@red.test', 'evening');
  assert.equal(await logIn('eve@red.test', 'evening'), 'ok');
  await operator.call('accounts/set-state', { address: 'eve@red.test', state: 'suspended' });
  assert.equal(await logIn('eve@red.test', 'evening'), 'denied');
  await operator.call('accounts/set-state', { address: 'eve@red.test', state: 'active' });
  assert.equal(await logIn('eve@red.test', 'evening'), 'ok');
});

test('an unknown user costs a hash like a known one', async () => {
  const before = await hashes();
  assert.equal(await logIn('nobody-at-all@red.test', 'x'), 'denied');
  assert.equal(await hashes(), before + 1);
});

test('a client that goes on failing is told to try later, but a remembered login is still heard', async () => {
  await addUser('frank@red.test', 'frankly');
  const client = newClient();
  assert.equal(await logIn('frank@red.test', 'frankly', client), 'ok');
  const answers: string[] = [];
  for (let i = 0; i < 8; i++) answers.push(await logIn(`guess${i}@red.test`, 'x', client));
  assert.deepEqual(answers.slice(0, 6), Array(6).fill('denied'));
  assert.equal(answers.at(-1), 'try-later');
  assert.equal(await logIn('frank@red.test', 'frankly', client), 'ok');
  assert.equal(await logIn('grace@red.test', 'wrong', client), 'try-later');
  assert.equal(await logIn('grace@red.test', 'wrong'), 'denied', 'other clients are heard');
  assert.equal(
    await logIn('frank@red.test', 'wrong', client),
    'denied',
    'and whoever came from there before',
  );
});

test('no password and no unknown name reaches the log or the database in clear', async () => {
  const secret = 'tr0ub4dor-and-3';
  await addUser('grace@red.test', secret);
  await logIn('grace@red.test', secret);
  await logIn(secret, 'x');
  assert.ok(!JSON.stringify(auth.lines).includes(secret));
  const client = new pg.Client({ connectionString: auth.db.url });
  await client.connect();
  const { rows } = await client.query<{ phc: string }>('select phc from directory.credential');
  await client.end();
  assert.ok(rows.every((row) => row.phc.startsWith('$argon2id$v=19$m=19456,t=2,p=1$')));
  assert.ok(!JSON.stringify(rows).includes(secret));
});

test('a flood beyond the hashing queue is told to try later, and the queue recovers', async () => {
  await using tight = await startAuth({ WAYBILL_HASH_PARALLEL: 1, WAYBILL_HASH_WAIT_MS: 0 });
  const desk = await tight.operator();
  const agent = await tight.clientAs('mra', { deadlineMs: 20_000 });
  await desk.call('domains/add', { name: 'red.test' });
  await desk.call('accounts/add', { address: 'alice@red.test', password: 'open' });
  const ask = async (password: string): Promise<string> =>
    (
      await agent.authenticate({
        username: 'alice@red.test',
        password,
        client: newClient(),
        protocol: 'imap',
      })
    ).status;
  const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => ask(`flood ${i}`)));
  assert.ok(answers.includes('denied'), 'one at a time is hashed');
  assert.ok(answers.includes('try-later'), 'the rest is refused');
  assert.equal(await ask('open'), 'ok');
});
