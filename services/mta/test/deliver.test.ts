import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startDns, startSmtpHost, type Script, type SmtpHost } from '@waybill/lab';
import { MESSAGE, openWorld, type World } from './stand-ins.ts';

const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());
const dns = resources.use(
  await startDns({
    zones: `
zone x.test
@  MX 10 mx
mx A 127.0.0.9
zone two.test
@  MX 10 a
@  MX 20 b
a  A 127.0.0.8
b  A 127.0.0.9
zone null.test
@  MX 0 .
zone private.test
@  MX 10 mx
mx A 10.0.0.1
zone away.test SERVFAIL
`,
  }),
);

interface Setting {
  readonly world: World;
  readonly host: SmtpHost;
}

/** The host stands behind 127.0.0.9:25; nobody listens behind 127.0.0.8:25. */
async function setting(
  script?: Script,
  more: Partial<Parameters<typeof openWorld>[0]> = {},
): Promise<Setting> {
  const host = resources.use(await startSmtpHost(script === undefined ? {} : { script }));
  const dead = await startSmtpHost();
  await dead[Symbol.asyncDispose]();
  const ports = `127.0.0.9:25=127.0.0.1:${host.port},127.0.0.8:25=127.0.0.1:${dead.port}`;
  const world = openWorld({ dns: dns.address, ports, ...more });
  resources.use(world.agent);
  return { world, host };
}

test('mail for strangers goes to the first host that takes it, one transaction for one message', async () => {
  const { world, host } = await setting();
  const first = world.spool.add('b@two.test');
  world.spool.add('c@two.test', { spoolId: first.spoolId });
  await world.agent.runner.run('two.test');
  assert.deepEqual(
    world.spool.rows.map(({ state }) => state),
    ['delivered', 'delivered'],
  );
  assert.deepEqual(
    host.messages[0]?.rcpts.map((line) => line.slice(0, 20)),
    ['RCPT TO:<b@two.test>', 'RCPT TO:<c@two.test>'],
  );
  assert.equal(host.messages.length, 1);
  assert.equal(host.messages[0]?.content, MESSAGE.toString());
  assert.equal(world.spool.results[0]?.peer, 'b.two.test[127.0.0.9]');
});

test('each phase may refuse: 4yz is tried again, 5yz is reported', async () => {
  for (const phase of ['mail', 'rcpt', 'data', 'message'] as const) {
    const later = await setting((moment) => (moment.phase === phase ? '451 4.7.1 later' : undefined));
    later.world.spool.add('b@x.test');
    await later.world.agent.runner.run('x.test');
    const [result] = later.world.spool.results;
    assert.equal(result?.kind, 'retry', phase);
    assert.ok(result?.kind === 'retry' && result.delayMs >= 300_000 && !result.unknownOutcome);
    const never = await setting((moment) => (moment.phase === phase ? '550 5.7.1 never' : undefined));
    never.world.spool.add('b@x.test');
    await never.world.agent.runner.run('x.test');
    const [failure] = never.world.spool.failures;
    assert.equal(failure?.claims[0]?.code, '5.7.1', phase);
    assert.equal(failure?.report?.returnPath, '');
    assert.deepEqual(failure?.report?.recipients, [
      { address: 'a@red.test', notify: 1, destination: 'red.test' },
    ]);
    assert.deepEqual(never.world.kicks, ['red.test']);
  }
});

test('a connection that breaks at any phase costs no message; after the dot the outcome is unknown', async () => {
  for (const phase of ['greeting', 'hello', 'mail', 'rcpt', 'data', 'message'] as const) {
    const { world } = await setting((moment) => (moment.phase === phase ? 'drop' : undefined));
    world.spool.add('b@x.test');
    await world.agent.runner.run('x.test');
    const [result] = world.spool.results;
    assert.ok(result?.kind === 'retry', phase);
    assert.equal(result.unknownOutcome, phase === 'message', phase);
    assert.deepEqual(world.events.holds, phase === 'message' ? [] : ['x.test'], phase);
  }
});

test('one message, several fates: one report names only those that failed', async () => {
  const { world } = await setting(({ phase, line }) => {
    if (phase !== 'rcpt') return undefined;
    if (line.includes('no')) return '550 5.1.1 nobody';
    return line.includes('later') ? '450 4.2.1 later' : undefined;
  });
  const first = world.spool.add('yes@x.test', { orcpt: 'rfc822;y@y.test' });
  for (const name of ['no1', 'later', 'no2']) world.spool.add(`${name}@x.test`, { spoolId: first.spoolId });
  await world.agent.runner.run('x.test');
  assert.deepEqual(
    world.spool.rows.map(({ state }) => state),
    ['delivered', 'failed', 'queued', 'failed'],
  );
  assert.equal(world.spool.failures.length, 1);
  const report = world.spool.failures[0]?.report?.message.toString() ?? '';
  assert.match(report, /Final-Recipient: rfc822; no1@x\.test[^]*Final-Recipient: rfc822; no2@x\.test/);
  assert.doesNotMatch(report, /Final-Recipient: rfc822; (yes|later)/);
  assert.equal(world.spool.failures[0]?.report?.parentId, first.spoolId);
});

test('what DNS says for good is returned at once, what it cannot say waits', async () => {
  const { world } = await setting();
  world.spool.add('b@null.test');
  world.spool.add('b@nothing.test');
  world.spool.add('b@private.test');
  world.spool.add('b@away.test');
  for (const domain of ['null.test', 'nothing.test', 'private.test', 'away.test'])
    await world.agent.runner.run(domain);
  assert.deepEqual(
    world.spool.failures.map(({ claims }) => claims[0]?.code),
    ['5.1.10', '5.1.2', '5.4.4'],
  );
  assert.deepEqual(
    world.spool.results.map(({ kind, code }) => `${kind} ${code}`),
    ['retry 4.4.3'],
  );
});

test('auth or bodies being away is our own trouble: strangers’ mail is soon tried again, their hosts are not left alone', async () => {
  const { world } = await setting();
  world.routes.set('x.test', { status: 'try-later' });
  world.spool.add('b@x.test');
  world.spool.add('b@two.test', { body: null, blobKey: 'gone' });
  await world.agent.runner.run('x.test');
  await world.agent.runner.run('two.test');
  const delays = world.events.endings.map(({ ending }) => (ending.kind === 'deferred' ? ending.delayMs : -1));
  assert.equal(delays.length, 2);
  assert.ok(
    delays.every((ms) => ms >= 1000 && ms < 1200),
    `delays: ${delays.join()}`,
  );
  assert.deepEqual(world.events.holds, []);
});

test('a null sender, NOTIFY=NEVER and a sender that does not exist get no report, and each is told', async () => {
  const { world } = await setting(() => undefined);
  world.resolutions.set('gone@red.test', { status: 'unknown' });
  world.spool.add('b@null.test', { returnPath: '' });
  world.spool.add('b@null.test', { notify: 1 });
  world.spool.add('b@null.test', { notify: 2 });
  world.spool.add('b@null.test', { returnPath: 'gone@red.test' });
  await world.agent.runner.run('null.test');
  assert.deepEqual(
    world.spool.failures.map(({ report }) => report),
    [undefined, undefined, undefined, undefined],
  );
  assert.deepEqual(world.events.unreportedFor.toSorted(), [
    'no-such-sender',
    'notify',
    'notify',
    'null-sender',
  ]);
});

test('a report for a sender of ours goes straight to the mailbox; while auth is away the failure waits', async () => {
  const { world } = await setting();
  const account = { accountId: '5', address: 'a@red.test', quotaBytes: 0, quotaMessages: 0 };
  world.resolutions.set('a@red.test', { status: 'mailbox', account, route: 'mx' });
  world.resolutions.set('later@red.test', { status: 'try-later' });
  world.spool.add('b@null.test');
  world.spool.add('b@null.test', { returnPath: 'later@red.test' });
  await world.agent.runner.run('null.test');
  assert.deepEqual(world.spool.failures[0]?.report?.recipients, [
    { address: 'a@red.test', notify: 1, destination: 'local/1', accountId: '5' },
  ]);
  assert.deepEqual(world.kicks, ['local/1']);
  assert.deepEqual(
    world.spool.results.map(({ kind }) => kind),
    ['retry'],
  );
});

test('what was tried until its end is returned, and says that it may have arrived where that is so', async () => {
  const { world } = await setting(({ phase }) => (phase === 'rcpt' ? '451 4.7.1 later' : undefined));
  world.spool.add('b@x.test', { expiresAt: new Date(0), unknownOutcome: true });
  await world.agent.runner.run('x.test');
  const [failure] = world.spool.failures;
  assert.equal(failure?.claims[0]?.code, '4.4.7');
  assert.match(failure?.report?.message.toString() ?? '', /may have been delivered/);
});

test('who lost the lease sends no dot', async () => {
  const { world, host } = await setting();
  world.spool.add('b@x.test');
  world.spool.held = false;
  const run = world.agent.runner.run('x.test');
  await world.spool.until(() => world.spool.released === 1);
  world.spool.rows[0]!.due = false;
  await run;
  assert.equal(host.messages.length, 0);
  assert.deepEqual(world.events.endings.map(({ ending }) => ending.kind)[0], 'given-back');
});

test('a destination that is down is left alone, and its mail is given back untried', async () => {
  const { world, host } = await setting(() => '421 4.3.2 not now');
  for (let i = 0; i < 50; i++) world.spool.add(`b${i}@x.test`);
  await world.agent.runner.run('x.test');
  assert.ok(host.connections <= 3, `${host.connections}`);
  assert.ok(world.spool.released >= 15);
  await world.agent.runner.run('x.test');
  assert.equal(world.spool.claims.length, 1);
});

test('mail for many recipients keeps its connections and widens its window', async () => {
  const { world, host } = await setting();
  for (let i = 0; i < 60; i++) world.spool.add(`b${i}@x.test`);
  await world.agent.runner.run('x.test');
  assert.ok(world.spool.rows.every(({ state }) => state === 'delivered'));
  assert.equal(host.messages.length, 60);
  assert.ok(host.connections > 2 && host.connections <= 20, `${host.connections}`);
});

test('a domain may be routed to a foreign LMTP store, strangers’ mail to a smart host', async () => {
  const store = resources.use(await startSmtpHost({ protocol: 'lmtp' }));
  const { world, host } = await setting();
  world.routes.set('store.test', { ours: true, route: `lmtp://127.0.0.1:${store.port}` });
  world.spool.add('b@store.test');
  await world.agent.runner.run('store.test');
  assert.equal(store.messages.length, 1);
  const { parseRelay } = await import('../src/route/relay.ts');
  const relayed = await setting(undefined, { relay: parseRelay(`smtp://127.0.0.1:${host.port}`) });
  relayed.world.spool.add('b@nowhere.test');
  await relayed.world.agent.runner.run('nowhere.test');
  assert.equal(host.messages.length, 1);
  assert.deepEqual(
    relayed.world.spool.rows.map(({ state }) => state),
    ['delivered'],
  );
  assert.throws(() => parseRelay('http://x'), RangeError);
});
