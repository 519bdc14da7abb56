import assert from 'node:assert/strict';
import { after, test } from 'node:test';
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
    addresses: new AddressList(hosts.map((one) => `127.0.0.1:${one.port}`).join(',')),
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
