import assert from 'node:assert/strict';
import test from 'node:test';
import { AuthClient } from '../src/index.ts';
import { credentials, resolveByName, scriptedAuth } from './scripted-auth.ts';

/** Every question a request of its own. */
const uncached = { ...credentials, positiveMs: 0 };

test('a connection ends after its number of requests', async () => {
  await using auth = await scriptedAuth(resolveByName);
  await using client = new AuthClient({ addresses: `127.0.0.1:${auth.port}`, ...uncached, maxRequests: 5 });
  for (let i = 0; i < 12; i++) assert.equal((await client.resolveOne('known@red.test')).status, 'mailbox');
  assert.deepEqual(
    auth.asked.map((asked) => asked.connection),
    [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2],
  );
});

test('a connection ends after its time', async (t) => {
  await using auth = await scriptedAuth(resolveByName);
  await using client = new AuthClient({ addresses: `127.0.0.1:${auth.port}`, ...uncached, maxAgeMs: 60_000 });
  await client.resolveOne('known@red.test');
  await client.resolveOne('known@red.test');
  const now = performance.now();
  t.mock.method(performance, 'now', () => now + 60_001);
  await client.resolveOne('known@red.test');
  assert.deepEqual(
    auth.asked.map((asked) => asked.connection),
    [0, 0, 1],
  );
});

test('the replica that is busy is left alone', async () => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  let reach: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  let holding = true;
  await using busy = await scriptedAuth(async (asked) => {
    reach();
    if (holding) await held;
    return resolveByName(asked);
  });
  await using free = await scriptedAuth(resolveByName);
  await using client = new AuthClient({
    addresses: `127.0.0.1:${busy.port},127.0.0.1:${free.port}`,
    ...uncached,
    deadlineMs: 20_000,
  });
  // Ask until one request hangs at the busy replica; all that follow go to the other.
  const hanging: Promise<unknown>[] = [];
  while (busy.asked.length === 0) {
    const asked = client.resolveOne(`known-${hanging.length}@red.test`);
    hanging.push(asked);
    await Promise.race([asked, reached]);
  }
  const before = free.asked.length;
  for (let i = 0; i < 10; i++) await client.resolveOne(`other-${i}@red.test`);
  assert.equal(free.asked.length - before, 10);
  holding = false;
  release();
  await Promise.all(hanging);
});

test('a replica that has gone away costs no answer', async () => {
  await using stays = await scriptedAuth(resolveByName);
  const goes = await scriptedAuth(resolveByName);
  await using client = new AuthClient({
    addresses: `127.0.0.1:${stays.port},127.0.0.1:${goes.port}`,
    ...uncached,
    deadlineMs: 20_000,
  });
  for (let i = 0; i < 20; i++) assert.equal((await client.resolveOne('known@red.test')).status, 'mailbox');
  assert.ok(stays.asked.length > 0 && goes.asked.length > 0, 'both get a share');
  await goes[Symbol.asyncDispose]();
  for (let i = 0; i < 20; i++) assert.equal((await client.resolveOne('known@red.test')).status, 'mailbox');
});

test('a name is resolved again, so that a new replica is found and an old one forgotten', async (t) => {
  await using old = await scriptedAuth(resolveByName, { host: '127.0.0.2' });
  await using next = await scriptedAuth(resolveByName, { host: '127.0.0.3', port: old.port });
  let answer = ['127.0.0.2'];
  let lookUps = 0;
  await using client = new AuthClient({
    addresses: `auth.test:${old.port}`,
    ...uncached,
    deadlineMs: 20_000,
    lookUp: async () => (lookUps++, answer),
  });
  for (let i = 0; i < 5; i++) await client.resolveOne('known@red.test');
  assert.deepEqual([lookUps, old.asked.length, next.asked.length], [1, 5, 0]);
  answer = ['127.0.0.3'];
  const now = performance.now();
  t.mock.method(performance, 'now', () => now + 5001);
  await client.resolveOne('known@red.test'); // starts the look-up, and does not wait for it
  await client.resolveOne('known@red.test');
  assert.equal(lookUps, 2);
  assert.ok(next.asked.length >= 1);
});

test('a replica that takes connections and says nothing is passed over, and put aside', async () => {
  let frozen = false;
  await using stops = await scriptedAuth((asked) => (frozen ? { body: undefined } : resolveByName(asked)));
  await using speaks = await scriptedAuth(resolveByName);
  await using client = new AuthClient({
    addresses: `127.0.0.1:${stops.port},127.0.0.1:${speaks.port}`,
    ...uncached,
    deadlineMs: 100,
  });
  for (let i = 0; i < 20; i++) await client.resolveOne('known@red.test');
  frozen = true;
  const before = stops.asked.length;
  for (let i = 0; i < 20; i++) assert.equal((await client.resolveOne('known@red.test')).status, 'mailbox');
  const tried = stops.asked.length - before;
  assert.ok(tried <= 5, `asked ${tried} times in vain`);
});

test('a replica that is new gets at least half its fair share', async (t) => {
  await using old = await scriptedAuth(resolveByName, { host: '127.0.0.2' });
  await using fresh = await scriptedAuth(resolveByName, { host: '127.0.0.3', port: old.port });
  let answer = ['127.0.0.2'];
  await using client = new AuthClient({
    addresses: `auth.test:${old.port}`,
    ...uncached,
    lookUp: () => Promise.resolve(answer),
  });
  for (let i = 0; i < 10; i++) await client.resolveOne('known@red.test');
  answer = ['127.0.0.2', '127.0.0.3'];
  const now = performance.now();
  t.mock.method(performance, 'now', () => now + 5001);
  await client.resolveOne('known@red.test'); // begins the look-up
  await client.resolveOne('known@red.test');
  const before = fresh.asked.length;
  for (let i = 0; i < 100; i++) await client.resolveOne('known@red.test');
  assert.ok(fresh.asked.length - before >= 25, `the new one was asked ${fresh.asked.length - before} of 100`);
});

test('an auth that closes lets another answer', async () => {
  await using closing = await scriptedAuth(() => ({
    status: 503,
    body: { error: 'Service Unavailable', message: 'Service Unavailable', statusCode: 503 },
  }));
  await using stays = await scriptedAuth(resolveByName);
  await using client = new AuthClient({
    addresses: `127.0.0.1:${closing.port},127.0.0.1:${stays.port}`,
    ...uncached,
  });
  for (let i = 0; i < 10; i++) assert.equal((await client.resolveOne('known@red.test')).status, 'mailbox');
});
