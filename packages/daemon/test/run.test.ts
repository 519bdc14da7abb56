import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';

const sample = path.join(import.meta.dirname, 'sample-agent.ts');

async function freePort(): Promise<number> {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as net.AddressInfo;
  probe.close();
  return port;
}

function start(env: NodeJS.ProcessEnv): {
  child: ChildProcess;
  seen: (text: string) => Promise<void>;
  output: () => string;
} {
  const child = spawn(process.execPath, [sample], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  const waiting: { text: string; resolve: () => void }[] = [];
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
    for (const waiter of waiting) if (output.includes(waiter.text)) waiter.resolve();
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  const closed = once(child, 'close');
  const seen = (text: string): Promise<void> =>
    Promise.race([
      new Promise<void>((resolve) => {
        if (output.includes(text)) resolve();
        else waiting.push({ text, resolve });
      }),
      closed.then(([code]) => {
        throw new Error(`it ended (${code}) without ${text}:\n${output}`);
      }),
    ]);
  return { child, seen, output: () => output };
}

test('an agent becomes ready, counts, drains on SIGTERM and exits 0', async () => {
  const port = await freePort();
  const agent = start({ WAYBILL_OPS_PORT: String(port), WAYBILL_DRAIN_SECONDS: '0' });
  await agent.seen('"ready"');
  assert.equal((await fetch(`http://127.0.0.1:${port}/livez`)).status, 200);
  assert.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200);
  assert.match(
    await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
    /waybill_samples_total\{agent="sample"\} 3/,
  );
  agent.child.kill('SIGTERM');
  const [code] = (await once(agent.child, 'exit')) as [number];
  assert.equal(code, 0);
  assert.match(agent.output(), /disposed/);
});

test('an agent that waits for a dependency ends at once on SIGTERM', { timeout: 60_000 }, async () => {
  const agent = start({ WAYBILL_OPS_PORT: '0', SAMPLE_WAITS: '1' });
  await agent.seen('started');
  agent.child.kill('SIGTERM');
  const [code] = (await once(agent.child, 'close')) as [number];
  assert.equal(code, 0);
  assert.match(agent.output(), /stopped before it was ready/);
});

test('a faulty configuration exits 2 and says what to mend', async () => {
  const agent = start({ WAYBILL_OPS_PORT: 'many', WAYBILL_COLOUR: 'red' });
  const [code] = (await once(agent.child, 'close')) as [number];
  assert.equal(code, 2);
  assert.match(
    agent.output(),
    /waybill sample: the configuration has 2 faults:\n {2}WAYBILL_OPS_PORT: "many"/,
  );
});

test('an ops port that is taken is told and exits 1', async (t) => {
  const taken = net.createServer().listen(0, '0.0.0.0');
  t.after(() => taken.close());
  await once(taken, 'listening');
  const agent = start({ WAYBILL_OPS_PORT: String((taken.address() as net.AddressInfo).port) });
  const [code] = (await once(agent.child, 'close')) as [number];
  assert.equal(code, 1);
  assert.match(agent.output(), /EADDRINUSE/);
});

test('with WAYBILL_EXIT_WITH_PARENT it ends when standard input closes', async () => {
  const agent = start({ WAYBILL_OPS_PORT: '0', WAYBILL_EXIT_WITH_PARENT: 'true' });
  await agent.seen('"ready"');
  agent.child.stdin?.end();
  const [code] = (await once(agent.child, 'exit')) as [number];
  assert.equal(code, 1);
});
