import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import test from 'node:test';
import { AuthClient, type AuthClientOptions, isTryLater } from '../src/index.ts';
import { authority, credentials, resolveByName, scriptedAuth, type ScriptedAuth } from './scripted-auth.ts';

function clientOf(auth: ScriptedAuth, options: Partial<AuthClientOptions> = {}): AuthClient {
  return new AuthClient({ addresses: `127.0.0.1:${auth.port}`, ...credentials, ...options });
}

test('what is asked in one turn goes in one request, identical questions once', async () => {
  await using auth = await scriptedAuth(resolveByName);
  await using client = clientOf(auth);
  const addresses = Array.from({ length: 300 }, (_, i) => `known-${i % 100}@red.test`);
  const answers = await Promise.all(addresses.map((address) => client.resolveOne(address)));
  answers.forEach((answer, i) =>
    assert.equal(answer.status === 'mailbox' ? answer.account.address : answer.status, addresses[i]),
  );
  assert.equal(auth.asked.length, 1);
  assert.equal((auth.asked[0]!.body['addresses'] as string[]).length, 100);
});

test('a list of any length is asked in pieces and answered in order', async () => {
  await using auth = await scriptedAuth(resolveByName);
  await using client = clientOf(auth);
  const answers = await client.resolve(
    Array.from({ length: 2300 }, (_, i) => (i % 2 === 0 ? `known-${i}@red.test` : `unknown-${i}@red.test`)),
  );
  assert.deepEqual(
    answers.map((answer) => answer.status),
    Array.from({ length: 2300 }, (_, i) => (i % 2 === 0 ? 'mailbox' : 'unknown')),
  );
  assert.deepEqual(
    auth.asked.map(({ body }) => (body['addresses'] as string[]).length).toSorted((a, b) => b - a),
    [1000, 1000, 300],
  );
});

test('a known address is not asked for again, an unknown one for a shorter time, a try-later always', async (t) => {
  await using auth = await scriptedAuth(resolveByName);
  await using client = clientOf(auth, { positiveMs: 60_000, negativeMs: 60_000 });
  const names = ['known@red.test', 'unknown@red.test', 'foreign@far.test', 'later@red.test'];
  const askedFor = (): unknown => auth.asked.at(-1)?.body['addresses'];
  await client.resolve(names);
  await client.resolve(names);
  assert.deepEqual(askedFor(), ['later@red.test']);
  const now = performance.now();
  t.mock.method(performance, 'now', () => now + 5500); // no setting makes "unknown" last longer than 5 s
  await client.resolve(names);
  assert.deepEqual(askedFor(), ['unknown@red.test', 'foreign@far.test', 'later@red.test']);
});

test('positiveMs: 0 keeps nothing', async () => {
  await using auth = await scriptedAuth(resolveByName);
  await using client = clientOf(auth, { positiveMs: 0 });
  for (let i = 0; i < 3; i++) await client.resolveOne('known@red.test');
  assert.equal(auth.asked.length, 3);
});

test('routes and senders are kept too, logins never', async () => {
  await using auth = await scriptedAuth(({ path, body }) => {
    if (path === '/v1/route') return { body: { ours: true, route: 'mx' } };
    if (path === '/v1/may-send')
      return {
        body: { allowed: (body['addresses'] as string[]).map((address) => address.startsWith('mine')) },
      };
    return { body: { status: 'denied' } };
  });
  await using client = clientOf(auth);
  const login = { username: 'a@red.test', password: 'x', client: '192.0.2.1', protocol: 'imap' } as const;
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await client.route('red.test'), { ours: true, route: 'mx' });
    assert.deepEqual(await client.maySend('7', ['mine@red.test', 'other@red.test', 'mine2@red.test']), [
      true,
      false,
      true,
    ]);
    assert.deepEqual(await client.authenticate(login), { status: 'denied' });
  }
  // Two accounts that ask in one turn are asked for apart.
  const both = await Promise.all([
    client.maySend('8', ['mine@red.test']),
    client.maySend('9', ['x@red.test']),
  ]);
  assert.deepEqual(both, [[true], [false]]);
  const count = (path: string): number => auth.asked.filter((asked) => asked.path === path).length;
  assert.deepEqual([count('/v1/route'), count('/v1/may-send'), count('/v1/authenticate')], [1, 3, 3]);
});

const TROUBLE: readonly (readonly [what: string, status: number, body: object | string])[] = [
  ['500', 500, { error: 'unavailable', message: '' }],
  ['503', 503, 'Service Unavailable'],
  ['429', 429, { status: 'try-later' }],
  ['403', 403, { error: 'not-permitted', message: '' }],
  ['404', 404, 'not here'],
  ['302', 302, ''],
  ['no JSON', 200, '<html>'],
  ['an empty body', 200, ''],
  ['null', 200, 'null'],
  ['an answer too few', 200, { results: [] }],
  ['an answer too many', 200, { results: [{ status: 'unknown' }, { status: 'unknown' }] }],
  ['an answer of no known kind', 200, { results: [{ status: 'maybe' }] }],
  [
    'an account without its id',
    200,
    { results: [{ status: 'mailbox', account: { address: 'a' }, route: 'local' }] },
  ],
];
for (const [what, status, body] of TROUBLE) {
  test(`${what} from auth means try later, for every look-up`, async () => {
    await using auth = await scriptedAuth(() => ({ status, body }));
    const told: string[] = [];
    await using client = clientOf(auth, { onTrouble: (call) => told.push(call) });
    assert.equal((await client.resolveOne('a@red.test')).status, 'try-later');
    assert.ok(isTryLater(await client.route('red.test')));
    assert.ok(isTryLater(await client.maySend('1', ['a@red.test'])));
    const login = { username: 'a@red.test', password: 'x', client: '::1', protocol: 'smtp' } as const;
    assert.equal((await client.authenticate(login)).status, 'try-later');
    assert.deepEqual(told, ['resolve', 'route', 'may-send', 'authenticate']);
  });
}

test('an auth that does not answer is given up at the deadline, for all that wait', async () => {
  await using auth = await scriptedAuth(() => ({ body: undefined }));
  await using client = clientOf(auth, { deadlineMs: 150 });
  const from = performance.now();
  const answers = await Promise.all([
    client.resolve(['a@red.test', 'b@red.test']),
    client.resolveOne('c@red.test'),
  ]);
  assert.ok(answers.flat().every((answer) => answer.status === 'try-later'));
  assert.ok(performance.now() - from < 2000);
});

const login = (n: number) =>
  ({ username: `u${n}@red.test`, password: 'x', client: '192.0.2.1', protocol: 'imap' }) as const;

test('logins that wait, for hashing or for an earlier failure, hold up no look-up', async () => {
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  await using auth = await scriptedAuth(async (asked) => {
    if (asked.path !== '/v1/authenticate') return resolveByName(asked);
    await gate;
    return { body: { status: 'denied' } };
  });
  await using client = clientOf(auth);
  const logins = Promise.all(Array.from({ length: 40 }, (_, n) => client.authenticate(login(n))));
  assert.equal((await client.resolveOne('known@red.test')).status, 'mailbox');
  release();
  assert.ok((await logins).every((answer) => answer.status === 'denied'));
});

test('a login may take longer than a look-up: it may have to wait for hashing', async () => {
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  await using auth = await scriptedAuth(async ({ path }) => {
    if (path !== '/v1/authenticate') return { body: undefined };
    await gate;
    return { body: { status: 'denied' } };
  });
  await using client = clientOf(auth, { deadlineMs: 50 });
  const answer = client.authenticate(login(1));
  // What must be answered within the deadline was given up meanwhile.
  assert.equal((await client.resolveOne('known@red.test')).status, 'try-later');
  release();
  assert.equal((await answer).status, 'denied');
});

test('a host that takes the connection and says nothing is given up when patience is over', async () => {
  const silent = net.createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const client = new AuthClient({
    addresses: `127.0.0.1:${port}`,
    ...credentials,
    deadlineMs: 150,
    patienceMs: 300,
  });
  assert.equal((await client.resolveOne('a@red.test')).status, 'try-later');
  silent.close();
});

test('names that do not resolve, or not in time, mean try later', async () => {
  const never = new AuthClient({
    addresses: 'auth.test:1',
    ...credentials,
    patienceMs: 100,
    lookUp: () => new Promise(() => undefined),
  });
  assert.equal((await never.resolveOne('a@red.test')).status, 'try-later');
  const failing = new AuthClient({
    addresses: 'auth.test:1',
    ...credentials,
    patienceMs: 100,
    lookUp: () => Promise.reject(new Error('ENOTFOUND')),
  });
  assert.equal((await failing.resolveOne('a@red.test')).status, 'try-later');
});

test('an auth that is away is waited for: its restart costs no answer', async () => {
  const first = await scriptedAuth(resolveByName);
  await using client = clientOf(first);
  assert.equal((await client.resolveOne('known-1@red.test')).status, 'mailbox');
  await first[Symbol.asyncDispose]();
  const told = Promise.withResolvers<string>();
  await using hasty = clientOf(first, { patienceMs: 300, onTrouble: (call) => told.resolve(call) });
  const waiting = client.resolveOne('known-2@red.test');
  // Whose patience is shorter than the absence hears "try later".
  assert.equal((await hasty.resolveOne('known-2@red.test')).status, 'try-later');
  assert.equal(await told.promise, 'resolve');
  await using _second = await scriptedAuth(resolveByName, { port: first.port });
  assert.equal((await waiting).status, 'mailbox');
});

test('a server whose certificate is not that of auth is not asked', async () => {
  await using impostor = await scriptedAuth(resolveByName, { name: 'mda' });
  await using client = clientOf(impostor);
  assert.equal((await client.resolveOne('known@red.test')).status, 'try-later');
  assert.equal(impostor.asked.length, 0);
});

test('a password or a name that is too long is denied without asking', async () => {
  await using auth = await scriptedAuth(() => ({ body: { status: 'denied' } }));
  await using client = clientOf(auth);
  const login = { client: '192.0.2.1', protocol: 'pop3' } as const;
  for (const [username, password] of [
    ['a@red.test', 'ä'.repeat(513)],
    ['a'.repeat(321), 'x'],
  ] as const)
    assert.deepEqual(await client.authenticate({ ...login, username, password }), { status: 'denied' });
  assert.deepEqual(await client.resolveOne(`${'a'.repeat(400)}@red.test`), { status: 'unknown' });
  assert.equal(auth.asked.length, 0);
});

test('renewed certificates are used from the next request on', async () => {
  await using auth = await scriptedAuth(resolveByName);
  await using client = clientOf(auth, { positiveMs: 0 });
  await client.resolveOne('known@red.test');
  const fresh = await authority.issue(['mx']);
  client.renew({ ca: authority.certificate, cert: fresh.certificate, key: fresh.key });
  assert.equal((await client.resolveOne('known@red.test')).status, 'mailbox');
  assert.equal(auth.connections(), 2);
});

/** Stands before an auth: what `first` does to a connection happens to the first ones, the others come through. */
async function gate(
  auth: ScriptedAuth,
  count: number,
  first: (socket: net.Socket) => void,
): Promise<AsyncDisposable & { readonly port: number }> {
  let taken = 0;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (taken++ < count) return first(socket);
    const through = net.connect(auth.port, '127.0.0.1');
    sockets.add(through);
    through.on('error', () => undefined);
    socket.pipe(through).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('connections that somebody in between takes for an auth that is away are not requests: it is waited for', async () => {
  await using auth = await scriptedAuth(resolveByName);
  await using before = await gate(auth, 4, (socket) => socket.destroy());
  await using client = new AuthClient({ addresses: `127.0.0.1:${before.port}`, ...credentials });
  assert.equal((await client.resolveOne('known@red.test')).status, 'mailbox');
});

test('an address that answers no connection is waited for too', async () => {
  await using auth = await scriptedAuth(resolveByName);
  // Like a host that is gone: no refusal comes, only the time for the connection ends.
  await using before = await gate(auth, 4, () => undefined);
  await using client = new AuthClient({
    addresses: `127.0.0.1:${before.port}`,
    ...credentials,
    deadlineMs: 500,
  });
  assert.equal((await client.resolveOne('known@red.test')).status, 'mailbox');
});

test('an auth that stays away is waited for once, not by everybody who asks', async (t) => {
  const first = await scriptedAuth(resolveByName);
  await first[Symbol.asyncDispose]();
  let told = 0;
  await using client = clientOf(first, { onTrouble: () => told++ });
  const real = performance.now.bind(performance);
  let ahead = 0;
  t.mock.method(performance, 'now', () => real() + ahead);
  const one = client.resolveOne('known-1@red.test');
  // It has been tried when somebody with less patience has heard that it is away.
  await using hasty = clientOf(first, { patienceMs: 300 });
  await hasty.resolveOne('known-1@red.test');
  ahead += 10_000;
  await using other = clientOf(first, { patienceMs: 300 });
  await other.resolveOne('known-1@red.test');
  ahead += 11_000;
  assert.equal((await one).status, 'try-later');
  const began = real();
  for (let i = 2; i < 6; i++)
    assert.equal((await client.resolveOne(`known-${i}@red.test`)).status, 'try-later');
  assert.ok(real() - began < 15_000, 'nobody else waited for 20 s');
  assert.equal(told, 5);
  await using _second = await scriptedAuth(resolveByName, { port: first.port });
  ahead += 1100;
  assert.equal((await client.resolveOne('known-2@red.test')).status, 'mailbox');
});

test('an auth of the version before, which knows no such call, limits, bans and forwards as it always did', async () => {
  await using auth = await scriptedAuth(() => ({
    status: 404,
    body: {
      error: 'not-found',
      message: 'there is no POST here by that name',
    },
  }));
  const told: string[] = [];
  await using client = clientOf(auth, { onTrouble: (call) => told.push(call) });
  assert.deepEqual(await client.spend({ accountId: '1', recipients: 1 }), { status: 'ok' });
  assert.deepEqual(await client.bans(), []);
  assert.deepEqual(await client.forwardSender({ sender: 'a@b.test' }), { sender: 'a@b.test' });
  assert.deepEqual(told, []);
  const step = { mechanism: 'SCRAM-SHA-256', client: '192.0.2.1', protocol: 'imap' } as const;
  assert.deepEqual(await client.sasl(step), { status: 'try-later' });
  assert.deepEqual(told, ['sasl']);
});

test('what is not found is no unknown call', async () => {
  await using auth = await scriptedAuth(() => ({
    status: 404,
    body: { error: 'not-found', message: 'no such account' },
  }));
  await using client = clientOf(auth);
  assert.deepEqual(await client.spend({ accountId: '1', recipients: 1 }), { status: 'try-later' });
});
