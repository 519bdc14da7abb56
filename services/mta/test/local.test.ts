import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startDns, startSmtpHost, type Script, type SmtpHost } from '@waybill/lab';
import { openWorld, type World } from './stand-ins.ts';

const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());
const dns = resources.use(await startDns({ zones: 'zone x.test\n@ A 127.0.0.1' }));

async function setting(
  script?: Script,
  offers = ['PIPELINING', 'XWAYBILL'],
): Promise<{ world: World; mda: SmtpHost }> {
  const mda = resources.use(
    await startSmtpHost({ protocol: 'lmtp', offers, ...(script === undefined ? {} : { script }) }),
  );
  const world = openWorld({ dns: dns.address, mda: `127.0.0.1:${mda.port}` });
  resources.use(world.agent);
  return { world, mda };
}

const local = { destination: 'local/1', accountId: '5' } as const;

test('many messages go to mda at a time over kept connections, each with its delivery id', async () => {
  const { world, mda } = await setting();
  for (let i = 0; i < 200; i++) world.spool.add(`u${i}@red.test`, local);
  await world.agent.runner.run('local/1');
  assert.ok(world.spool.rows.every(({ state }) => state === 'delivered'));
  assert.equal(mda.connections, 20);
  const [claim] = world.spool.rows.map((row) => row.claim);
  const said = `RCPT TO:<u0@red.test> XDELIVERY=${claim?.deliveryId} XACCOUNT=5 XJOURNEY=${claim?.spoolId}`;
  assert.ok(mda.lines.some(({ line }) => line === said));
});

test('a foreign store is told no ids', async () => {
  const { world, mda } = await setting(undefined, ['PIPELINING']);
  world.spool.add('u@red.test', local);
  await world.agent.runner.run('local/1');
  assert.ok(mda.lines.some(({ line }) => line === 'RCPT TO:<u@red.test>'));
});

test('mda being away is our own trouble: mail comes back in a second', async () => {
  const { world, mda } = await setting();
  await mda[Symbol.asyncDispose]();
  world.spool.add('u@red.test', local);
  await world.agent.runner.run('local/1');
  const [result] = world.spool.results;
  assert.ok(result?.kind === 'retry' && result.delayMs < 2000 && !result.unknownOutcome);
});

test('a full mailbox is tried as strangers’ mail is, an unknown user is returned', async () => {
  const { world } = await setting(({ phase, line }) => {
    if (phase === 'message' && line.includes('full')) return '452 4.2.2 full';
    return phase === 'rcpt' && line.includes('gone') ? '550 5.1.1 gone' : undefined;
  });
  world.spool.add('full@red.test', local);
  world.spool.add('gone@red.test', local);
  await world.agent.runner.run('local/1');
  const [result] = world.spool.results;
  assert.ok(result?.kind === 'retry' && result.delayMs >= 300_000);
  assert.equal(world.spool.failures[0]?.claims[0]?.code, '5.1.1');
});

test('what mda may have filed is not returned before mda was asked', async () => {
  const { world } = await setting(({ phase }) => (phase === 'message' ? 'drop' : undefined));
  world.spool.add('u@red.test', { ...local, expiresAt: new Date(0) });
  await world.agent.runner.run('local/1');
  const [result] = world.spool.results;
  assert.ok(result?.kind === 'retry' && result.unknownOutcome);
  assert.equal(world.spool.failures.length, 0);
});

test('a body that cannot be read is nobody’s failure', async () => {
  const { world } = await setting();
  world.spool.add('u@red.test', { ...local, body: null, blobKey: 'k' });
  await world.agent.runner.run('local/1');
  assert.deepEqual(
    world.spool.results.map(({ kind, code }) => `${kind} ${code}`),
    ['retry 4.3.0'],
  );
  assert.equal(world.events.troubles.length, 1);
});

test('a kick during a run is not lost, and stopping waits for what is in hand', async () => {
  let go: (() => void) | undefined;
  const held = new Promise<string | undefined>((resolve) => (go = () => resolve(undefined)));
  const { world, mda } = await setting(({ phase }) => (phase === 'message' ? held : undefined));
  world.spool.add('one@red.test', local);
  const run = world.agent.runner.run('local/1');
  await mda.until(({ messages }) => messages.length === 1);
  world.spool.add('two@red.test', local);
  void world.agent.runner.run('local/1');
  await mda.until(({ messages }) => messages.length === 2);
  const stopped = world.agent.runner.stop();
  go?.();
  await Promise.all([run, stopped]);
  assert.deepEqual(
    world.spool.rows.map(({ state }) => state),
    ['delivered', 'delivered'],
  );
  world.spool.add('three@red.test', local);
  await world.agent.runner.run('local/1');
  assert.equal(mda.messages.length, 2);
});
