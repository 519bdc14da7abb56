import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { type AuthenticateResponse, type Ban, watchBans } from '@waybill/auth-client';
import { openPool } from '@waybill/postgres';
import { startAuth } from './running-auth.ts';
import { base64, scram } from './scram-client.ts';

/** Somebody guesses passwords: slowly, for he is made to, and to no harm of whoever has the account. */
const auth = await startAuth({ WAYBILL_BAN_FAILURES: 0 });
const pool = openPool(auth.db.url, { size: 1 });
after(async () => {
  await pool.end();
  await auth[Symbol.asyncDispose]();
});
const operator = await auth.operator();
const mra = await auth.clientAs('mra', { deadlineMs: 30_000 });
await operator.call('domains/add', { name: 'red.test' });
for (const name of ['alice', 'bob', 'carol', 'dora', 'frank', 'grace'])
  await operator.call('accounts/add', { address: `${name}@red.test`, password: `${name}'s own` });

const logIn = (username: string, password: string, client: string): Promise<AuthenticateResponse> =>
  mra.authenticate({ username, password, client, protocol: 'imap' });

test('200 connections that guess are throttled, and the owner logs in: from home and from abroad', async (t) => {
  assert.equal((await logIn('alice@red.test', "alice's own", '203.0.113.9')).status, 'ok'); // so this is home
  let guessing = true;
  const counts = { denied: 0, 'try-later': 0, ok: 0 };
  const from = performance.now();
  const guessers = Array.from({ length: 200 }, async (_, i) => {
    // A few networks; in the owner's own somebody guesses at a neighbour.
    const atHome = i % 4 === 0;
    const client = atHome ? '203.0.113.9' : `198.51.100.${i % 8}`;
    const whom = atHome ? 'bob@red.test' : 'alice@red.test';
    for (let n = 0; guessing; n++) counts[(await logIn(whom, `guess ${i} ${n}`, client)).status]++;
  });
  // Guessing is under way when the first of it has been told to come later.
  while (counts['try-later'] < 200) await new Promise((resolve) => setImmediate(resolve));
  // Changed, so that no remembered login helps.
  await operator.call('credentials/set', { address: 'alice@red.test', label: 'password', password: 'new' });
  const owner = performance.now();
  const [home, abroad] = await Promise.all([
    logIn('alice@red.test', 'new', '203.0.113.9'),
    logIn('alice@red.test', 'new', '192.0.2.77'),
  ]);
  const took = performance.now() - owner;
  const seconds = (performance.now() - from) / 1000;
  guessing = false;
  await Promise.all(guessers);
  assert.equal(home.status, 'ok');
  assert.equal(abroad.status, 'ok');
  assert.equal(counts.ok, 0);
  assert.ok(counts.denied < 250 + 20 * seconds, `${counts.denied} guesses were compared in ${seconds} s`);
  t.diagnostic(`the owner waited ${took.toFixed()} ms, beside ${JSON.stringify(counts)}`);
});

test('an unknown name, a wrong password, a suspended account and a password for something else are told the same', async () => {
  await operator.call('accounts/set-state', { address: 'dora@red.test', state: 'suspended' });
  const { password } = await operator.call('app-passwords/add', {
    address: 'carol@red.test',
    label: 'pop',
    scopes: ['pop3'],
  });
  let clients = 0;
  const cases = [
    ['nobody@red.test', 'x'],
    ['nobody@elsewhere.example', 'x'],
    ['carol@red.test', 'x'],
    ['carol@red.test', password],
    ['dora@red.test', "dora's own"],
  ] as const;
  for (const [username, secret] of cases) {
    const told = { client: `192.0.2.${++clients}`, protocol: 'imap' } as const;
    assert.deepEqual(await mra.authenticate({ username, password: secret, ...told }), { status: 'denied' });
    const response = base64(`\0${username}\0${secret}`);
    assert.deepEqual(await mra.sasl({ mechanism: 'PLAIN', response, ...told }), { status: 'denied' });
    const { answer, serverFirst } = await scram(mra, username, secret, told);
    assert.deepEqual(answer, { status: 'denied' });
    assert.match(serverFirst ?? '', /^r=\S{48},s=\S{24},i=16384$/);
  }
});

test('a network that goes on is banned, with a reason; its neighbours, private networks and shared addresses are not', async () => {
  await using strict = await startAuth(
    { WAYBILL_BAN_FAILURES: 5, WAYBILL_BAN_NEVER: '192.0.2.128/25', WAYBILL_LOGIN_BEAT_MS: 0 },
    auth,
  );
  const client = await strict.clientAs('mra', { deadlineMs: 30_000 });
  const mx = await strict.clientAs('mx');
  const guess = async (from: string): Promise<void> => {
    for (let i = 0; i < 8; i++)
      await client.authenticate({
        username: `guess${i}@red.test`,
        password: 'x',
        client: from,
        protocol: 'imap',
      });
  };
  // An office: three people logged in from there.
  for (const name of ['alice', 'frank', 'grace']) {
    const { rows } = await pool.query<{ id: string }>('select id from directory.account where local = $1', [
      name,
    ]);
    await pool.query('insert into directory.known_network (account_id, network) values ($1, $2)', [
      rows[0]?.id,
      '203.0.113.50',
    ]);
  }
  await Promise.all(
    ['198.51.100.200', '2001:db8:7::1', '10.1.2.3', '::1', '192.0.2.200', '203.0.113.50'].map(guess),
  );
  const banned = async (): Promise<readonly Ban[]> => {
    for (;;) {
      const bans = await mx.bans();
      assert.ok(!('status' in bans));
      if (bans.length >= 2) return bans;
    }
  };
  const bans = await banned();
  assert.deepEqual(bans.map(({ network }) => network).toSorted(), ['198.51.100.200/32', '2001:db8:7::/64']);
  for (const { reason, by, until } of bans) {
    assert.equal(reason, 'too many failed logins');
    assert.equal(by, 'auth');
    const left = Date.parse(until ?? '') - Date.now();
    assert.ok(left > 3_500_000 && left <= 3_600_000);
  }
  await using watch = watchBans(mx);
  await watch.ready;
  assert.equal(watch.reasonFor('2001:db8:7::99'), 'too many failed logins');
  assert.equal(watch.reasonFor('198.51.100.201'), undefined);
});

test('who is banned is denied with the right password too, until the ban is lifted', async () => {
  const ban = await operator.call('bans/add', { network: '198.51.100.0/24', reason: 'a bad place' });
  assert.equal(ban.network, '198.51.100.0/24');
  // A replica that starts reads the list first.
  await using fresh = await startAuth({}, auth);
  const client = await fresh.clientAs('msa', { deadlineMs: 30_000 });
  const told = { client: '198.51.100.5', protocol: 'smtp' } as const;
  const right = { username: 'frank@red.test', password: "frank's own" };
  assert.equal((await client.authenticate({ ...right, ...told })).status, 'denied');
  assert.equal((await scram(client, right.username, right.password, told)).answer.status, 'denied');
  assert.equal((await client.authenticate({ ...right, ...told, client: '198.51.101.5' })).status, 'ok');
  await operator.call('bans/remove', { network: '198.51.100.0/24' });
  await using later = await startAuth({}, auth);
  const again = await later.clientAs('msa', { deadlineMs: 30_000 });
  assert.equal((await again.authenticate({ ...right, ...told })).status, 'ok');
});

test('when and from where a credential was used is written down behind the login', async () => {
  const { password } = await operator.call('app-passwords/add', {
    address: 'grace@red.test',
    label: 'tablet',
    scopes: ['imap'],
  });
  assert.equal((await logIn('grace@red.test', password, '203.0.113.77')).status, 'ok');
  for (;;) {
    const { appPasswords } = await operator.call('app-passwords/list', { address: 'grace@red.test' });
    const { rows } = await pool.query("select from directory.known_network where network = '203.0.113.77'");
    if (appPasswords[0]?.lastUsedAt !== undefined && rows.length > 0) break;
  }
});
