import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { startSmtpHost, type SmtpHost, type SmtpHostOptions } from '@waybill/lab';
import { AddressList } from './address-list.ts';
import type { Transaction } from './commands.ts';
import { IdlePool } from './idle-pool.ts';
import { LmtpPool, type LmtpPoolOptions } from './lmtp-pool.ts';
import { openConnection } from './open.ts';

const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());

async function host(options: SmtpHostOptions = {}): Promise<SmtpHost> {
  return resources.use(await startSmtpHost({ protocol: 'lmtp', ...options }));
}

function pool(hosts: readonly SmtpHost[], more: Partial<LmtpPoolOptions> = {}): LmtpPool {
  const made = new LmtpPool({
    addresses: more.addresses ?? new AddressList(hosts.map((one) => `127.0.0.1:${one.port}`).join(',')),
    open: { protocol: 'lmtp', helloName: 'mta.test', tls: 'none' },
    ...more,
  });
  resources.defer(() => made.close());
  return made;
}

const message: Transaction = {
  from: '',
  parameters: { smtputf8: false },
  recipients: [{ address: 'a@x.test' }],
  body: Buffer.from('x\r\n'),
};

async function codes(p: LmtpPool, times: number): Promise<string[]> {
  const answers = await Promise.all(Array.from({ length: times }, () => p.send(message)));
  return answers.map(({ outcomes: [o] }) => (o?.kind === 'replied' ? String(o.reply.code) : String(o?.kind)));
}

test('many messages share few connections, and each address gets its part', async () => {
  const hosts = [await host(), await host()];
  const p = pool(hosts, { connectionsPerAddress: 3 });
  assert.deepEqual(new Set(await codes(p, 40)), new Set(['250']));
  assert.deepEqual(
    hosts.map((h) => h.connections),
    [3, 3],
  );
  for (const h of hosts) assert.ok(h.messages.length >= 10, `${h.messages.length}`);
  await codes(p, 1);
  assert.equal(p.connections, 6);
});

test('a connection retires after its share of messages', async () => {
  const h = await host();
  const p = pool([h], { connectionsPerAddress: 1, messagesPerConnection: 2 });
  for (let i = 0; i < 5; i++) assert.deepEqual(await codes(p, 1), ['250']);
  await h.until(() => h.lines.filter(({ line }) => line === 'QUIT').length === 2);
  assert.equal(h.connections, 3);
});

test('an address that refuses is passed over; when all do, the failure is a value', async () => {
  const [dead, well] = [await host(), await host()];
  await dead[Symbol.asyncDispose]();
  assert.deepEqual(new Set(await codes(pool([dead, well]), 10)), new Set(['250']));
  const answer = await pool([dead]).send(message);
  assert.deepEqual(answer.outcomes, [
    { kind: 'lost', phase: 'connect', unknown: false, cause: 'ECONNREFUSED' },
  ]);
  assert.equal(answer.peer, undefined);
});

test('a kept connection that the peer has closed costs no message', async () => {
  let dropping = false;
  const h = await host({
    script: ({ phase, connection }) =>
      dropping && connection === 1 && phase === 'mail' ? 'drop' : undefined,
  });
  const p = pool([h], { connectionsPerAddress: 1 });
  assert.deepEqual(await codes(p, 1), ['250']);
  dropping = true;
  assert.deepEqual(await codes(p, 1), ['250']);
  assert.equal(h.connections, 2);
});

test('a message that may have been taken is not sent again by the pool', async () => {
  const h = await host({ script: ({ phase }) => (phase === 'message' ? 'drop' : undefined) });
  const answer = await pool([h]).send(message);
  assert.equal(answer.outcomes[0]?.kind === 'lost' && answer.outcomes[0].unknown, true);
  assert.equal(h.messages.length, 1);
});

test('names are looked up again, and the last answer outlives a failing resolver', async () => {
  const answers: (string[] | Error)[] = [new Error('away'), ['127.0.0.1', '127.0.0.2']];
  const list = new AddressList('mda:2424,[::1]:2525', () => {
    const answer = answers.shift() ?? new Error('away');
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  });
  assert.deepEqual(await list.addresses(), [{ host: '::1', port: 2525, name: '::1' }]);
  for (const bad of ['', 'mda', 'mda:0', ':25', 'mda:x'])
    assert.throws(() => new AddressList(bad), RangeError);
});

test('an idle connection waits for the next message of the same key', async () => {
  const h = await host({ protocol: 'smtp' });
  const opened = await openConnection({
    host: '127.0.0.1',
    port: h.port,
    name: 'h',
    protocol: 'smtp',
    helloName: 'c',
    tls: 'none',
  });
  assert.ok(opened.kind === 'open');
  const idle = new IdlePool({ keepMs: 20 });
  idle.give('h', opened.connection);
  assert.equal(idle.take('other'), undefined);
  assert.equal(idle.take('h'), opened.connection);
  assert.equal(idle.take('h'), undefined);
  idle.give('h', opened.connection);
  await h.until(() => h.lines.at(-1)?.line === 'QUIT');
  idle.close();
});

/** Two hosts of one port, and a name that leads to whichever a test says. */
async function named(
  t: TestContext,
  scripts: readonly SmtpHostOptions[] = [{}, {}],
  more: Partial<LmtpPoolOptions> = {},
): Promise<{ hosts: SmtpHost[]; lead: (to: readonly number[]) => Promise<void>; pool: LmtpPool }> {
  const first = await host({ host: '127.0.0.2', ...scripts[0] });
  const second = await host({ host: '127.0.0.3', port: first.port, ...scripts[1] });
  let answer = ['127.0.0.2'];
  const list = new AddressList(`mda:${first.port}`, () => Promise.resolve(answer));
  let now = performance.now();
  t.mock.method(performance, 'now', () => now);
  return {
    hosts: [first, second],
    async lead(to) {
      answer = to.map((n) => `127.0.0.${n + 2}`);
      now += 5001;
      await list.addresses(); // begins the look-up
      await new Promise(setImmediate);
    },
    pool: pool([], { addresses: list, ...more }),
  };
}

test('a replica that is new gets at least half its fair share, and one that leaves ends without an error', async (t) => {
  const { hosts, lead, pool: p } = await named(t);
  assert.deepEqual(new Set(await codes(p, 10)), new Set(['250']));
  assert.equal(hosts[1]?.connections, 0);
  await lead([0, 1]);
  const before = hosts.map((h) => h.messages.length);
  for (let i = 0; i < 10; i++) assert.deepEqual(new Set(await codes(p, 10)), new Set(['250']));
  const shares = hosts.map((h, i) => h.messages.length - (before[i] ?? 0));
  assert.equal(shares[0]! + shares[1]!, 100);
  assert.ok(shares[1]! >= 25, `the new one got ${shares[1]} of 100`);
  await lead([1]);
  const last = hosts[0]?.messages.length;
  for (let i = 0; i < 5; i++) assert.deepEqual(new Set(await codes(p, 10)), new Set(['250']));
  assert.equal(hosts[0]?.messages.length, last);
  await hosts[0]?.until((h) => h.lines.filter(({ line }) => line === 'QUIT').length === h.connections);
});

test('what is in hand at an address that leaves is finished there', async (t) => {
  const { promise: held, resolve: release } = Promise.withResolvers<undefined>();
  const {
    hosts,
    lead,
    pool: p,
  } = await named(t, [{ script: ({ phase }) => (phase === 'message' ? held : undefined) }, {}]);
  const underway = codes(p, 3);
  await hosts[0]?.until((h) => h.messages.length === 3);
  await lead([1]);
  assert.deepEqual(await codes(p, 1), ['250']);
  release(undefined);
  assert.deepEqual(await underway, ['250', '250', '250']);
});

test('what waits for a connection when the pool closes is said over it', async () => {
  const h = await host();
  const p = pool([h]);
  const underway = codes(p, 3);
  // A turn, for the addresses; the connections are still being opened.
  await Promise.resolve();
  p.close();
  assert.deepEqual(await underway, ['250', '250', '250']);
  await h.until(() => h.lines.filter(({ line }) => line === 'QUIT').length === h.connections);
});

for (const [cutGone, outcome] of [
  [true, 'lost'],
  [false, '250'],
] as const)
  test(`a host that left its name ${cutGone ? 'is not waited for' : 'may answer late where nothing may be said twice'}`, async (t) => {
    const { promise: held, resolve: release } = Promise.withResolvers<undefined>();
    const {
      hosts,
      lead,
      pool: p,
    } = await named(t, [{ script: ({ phase }) => (phase === 'message' ? held : undefined) }, {}], {
      cutGone,
    });
    const underway = codes(p, 1);
    await hosts[0]?.until((h) => h.messages.length === 1);
    t.mock.timers.enable({ apis: ['setTimeout'] });
    await lead([1]);
    assert.deepEqual(await codes(p, 1), ['250']);
    t.mock.timers.tick(20_000);
    release(undefined);
    assert.deepEqual(await underway, [outcome]);
  });

test('421 between messages, as of a replica that stops, costs no message', async () => {
  let stopping = false;
  const leaving = await host({
    script: ({ phase }) => (stopping && phase === 'mail' ? '421 4.3.2 Going away' : undefined),
  });
  const p = pool([leaving, await host()]);
  await codes(p, 10);
  stopping = true;
  for (let i = 0; i < 3; i++) assert.deepEqual(new Set(await codes(p, 10)), new Set(['250']));
});

test('an address that takes connections and says nothing delays a few messages once, and is back when it speaks', async () => {
  let frozen = true;
  const silent = await host({
    script: ({ phase }) => (frozen && phase === 'greeting' ? 'silence' : undefined),
  });
  const speaking = await host();
  const p = pool([silent, speaking], {
    open: { protocol: 'lmtp', helloName: 'mta.test', tls: 'none', timeouts: { greeting: 1000 } },
  });
  assert.deepEqual(new Set(await codes(p, 10)), new Set(['250']));
  const met = silent.connections;
  for (let i = 0; i < 5; i++) assert.deepEqual(new Set(await codes(p, 10)), new Set(['250']));
  // Only tries that no message waits for.
  assert.ok(silent.connections - met <= 5, `${silent.connections - met} connections more`);
  assert.equal(silent.messages.length, 0);
  frozen = false;
  while (silent.messages.length === 0) {
    await codes(p, 4);
    await new Promise(setImmediate);
  }
});

test('a host that falls silent within a conversation gets no message while another is well', async () => {
  let frozen = false;
  const falling = await host({
    script: ({ connection }) => (frozen && connection < 3 ? 'silence' : undefined),
  });
  const well = await host();
  const p = pool([falling, well], {
    connectionsPerAddress: 2,
    open: { protocol: 'lmtp', helloName: 'mta.test', tls: 'none', timeouts: { mail: 1000 } },
  });
  await codes(p, 8);
  frozen = true;
  const some = await codes(p, 8);
  assert.ok(some.includes('lost'), 'those that waited for it are tried again later');
  assert.deepEqual(new Set(await codes(p, 8)), new Set(['250']));
});
