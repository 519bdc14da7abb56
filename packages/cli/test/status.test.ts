import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import test, { after } from 'node:test';
import { AGENTS, World } from '@waybill/lab';
import { migrateAll } from '../src/migrations.ts';
import { findReplicas } from '../src/status/find-replicas.ts';
import { distinct, type Replica } from '../src/status/replica.ts';
import { duration, renderStatus, type Status } from '../src/status/render.ts';
import { toDo } from '../src/status/to-do.ts';

const MAIN = path.join(import.meta.dirname, '../src/main.ts');
const world = await World.start({ migrate: migrateAll, portBase: 0, redis: 'none', replicas: { mx: 2 } });
after(() => world[Symbol.asyncDispose]());

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function status(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const child = spawn(process.execPath, [MAIN, 'status', ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

test('a healthy lab: every replica is shown ready, and the exit code is 0', async () => {
  const { code, out, err } = await status(['--data', world.dataDir]);
  assert.equal(code, 0, out + err);
  for (const agent of world.agents) assert.match(out, new RegExp(`${agent.name} +ready +\\d+\\.\\d+\\.\\d+`));
  assert.match(out, /^mx +mx-2 /m);
  assert.match(out, /queue +0 waiting, of these 0 due; 0 being delivered/);
  assert.match(out, /postgres +\d+ of \d+ connections: .*auth \d+/);
  assert.match(out, /nothing to do/);
});

test('elsewhere than in a lab the environment names the ops ports and the database', async () => {
  const ports = AGENTS.flatMap((agent) => world.replicasOf(agent)).map(
    (one) => `127.0.0.1:${one.ports['ops']}`,
  );
  const { code, out, err } = await status(['--json'], {
    ...world.operatorEnv,
    WAYBILL_OPS: ports.join(','),
  });
  assert.equal(code, 0, out + err);
  const found: Status = JSON.parse(out);
  const ready = found.replicas.filter(({ state }) => state === 'ready');
  assert.deepEqual(ready.map(({ instance }) => instance).toSorted(), [
    'auth-1',
    'mda-1',
    'mra-1',
    'msa-1',
    'mta-1',
    'mx-1',
    'mx-2',
  ]);
  for (const one of ready) {
    assert.ok((one.memoryBytes ?? 0) > 10_000_000 && (one.uptimeSeconds ?? -1) >= 0, JSON.stringify(one));
    assert.ok(one.rate !== undefined && one.rate.perSecond >= 0 && one.cpu !== undefined);
  }
  assert.ok(found.database !== undefined && found.database.connections.used > 5);
});

test('a replica that gives no answer is said to be unreachable, and the exit code is 4', async () => {
  world.agent('mda-1').kill('SIGSTOP');
  try {
    const { code, out } = await status(['--data', world.dataDir]);
    assert.equal(code, 4);
    assert.match(out, /no replica of mda is ready/);
    assert.match(out, /mda .*cannot be asked: no answer within 2 s/);
  } finally {
    world.agent('mda-1').kill('SIGCONT');
  }
});

test('the database being away hides the queue and nothing else', async () => {
  const { code, out } = await status(['--json'], {
    WAYBILL_OPS: `127.0.0.1:${world.replicasOf('mx')[0]?.ports['ops']}`,
    WAYBILL_DATABASE_URL: 'postgres://nobody:x@127.0.0.1:9/none',
  });
  assert.equal(code, 4);
  const found: Status = JSON.parse(out);
  assert.equal(found.replicas[0]?.state, 'ready');
  assert.match(found.todo.join('\n'), /Postgres cannot be asked/);
});

test('what was typed wrongly is said, with exit code 2', async () => {
  const { code, err } = await status(['--wach']);
  assert.equal(code, 2);
  assert.match(err, /did you mean "watch"/);
});

test('each address of a name is a replica, and a name without any is shown', async () => {
  const lookUp = (name: string): Promise<string[]> =>
    name === 'mx' ? Promise.resolve(['10.0.0.3', 'fd00::2']) : Promise.reject(new Error('ENOTFOUND'));
  assert.deepEqual(await findReplicas('mx:9090,mda:9090,10.1.1.1:9', lookUp), [
    { name: 'mx', address: '10.0.0.3:9090' },
    { name: 'mx', address: '[fd00::2]:9090' },
    { name: 'mda', address: undefined },
    { name: '10.1.1.1', address: '10.1.1.1:9' },
  ]);
});

const well: Replica = { agent: 'mx', instance: 'mx-1', address: 'a:1', state: 'ready', version: '0.2.0' };
const database = {
  queue: { queued: 0, due: 0, leased: 0, oldestDueSeconds: 0, destinations: [] },
  connections: { used: 10, max: 97, byRole: { waybill_mx: 10 } },
};

test('what is to do is said in sentences, each with what helps', () => {
  const now = Date.parse('2030-01-01T00:00:00Z');
  assert.deepEqual(toDo([well], database, now), []);
  assert.deepEqual(
    toDo(
      [
        { ...well, certificateExpires: '2030-01-04T00:00:00.000Z', unhandledErrors: 1 },
        { ...well, instance: 'mx-2', version: '0.1.0', state: 'draining' },
      ],
      {
        queue: { ...database.queue, oldestDueSeconds: 120 },
        connections: { used: 95, max: 97, byRole: {} },
      },
      now,
    ).map((one) => one.slice(0, 44)),
    [
      'mx mx-2 is stopping',
      'several versions run: 0.1.0, 0.2.0; finish t',
      'the certificate of mx mx-1 expires on 2030-0',
      'mx mx-1 met 1 error(s) that no code handled:',
      'mail that is due waits for 120 s: look at mt',
      '95 of 97 connections to Postgres are used: f',
    ],
  );
});

test('a replica with an address of each family is one replica', () => {
  const both: Replica = { ...well, startedAt: '2030-01-01T00:00:00.000Z' };
  const again: Replica = { ...both, startedAt: '2030-01-02T00:00:00.000Z' };
  assert.deepEqual(distinct([both, { ...both, address: '[::1]:1' }, again]), [both, again]);
});

test('what a replica says of itself moves no cursor', () => {
  const text = renderStatus({
    at: '',
    replicas: [{ ...well, instance: 'x\u001B[2J' }],
    database: undefined,
    todo: [],
  });
  assert.ok(!text.includes('\u001B'));
  assert.deepEqual([3, 200, 18_720, 1_051_200].map(duration), ['3 s', '3 m 20 s', '5 h 12 m', '12 d 4 h']);
});
