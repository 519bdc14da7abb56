import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { migrateAll } from '@waybill/cli';
import { type LabUser, World } from '@waybill/lab';
import { audit } from './audit.ts';
import { runChaos } from './chaos.ts';
import { Ledger } from './ledger-file.ts';
import { runLoad } from './load.ts';

/**
 * The ledger client against a lab of its own, with trouble:
 *
 *     node test/ledger/run.ts --messages 6000 --seconds 120 --kills 5 --flushes 20 --crashes 2
 *
 * Sends to mx and through msa, kills every agent in turn, flushes Redis and crashes Postgres, waits
 * until all is quiet, and counts over IMAP. Exit code 0 only if nothing is missing or doubled.
 */
const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '6000' },
    seconds: { type: 'string', default: '120' },
    connections: { type: 'string', default: '20' },
    size: { type: 'string', default: '5120' },
    accounts: { type: 'string', default: '10' },
    replicas: { type: 'string', default: '2' },
    kills: { type: 'string', default: '5' },
    flushes: { type: 'string', default: '20' },
    crashes: { type: 'string', default: '2' },
    redis: { type: 'string', default: 'auto' },
    data: { type: 'string' },
  },
});
const count = (name: keyof typeof values): number => Number(values[name]);

const replicas = count('replicas');
await using world = await World.start({
  migrate: migrateAll,
  portBase: 0,
  redis: values.redis,
  dataDir: values.data,
  replicas: { mx: replicas, mta: replicas, mda: replicas, mra: replicas },
});
console.log(`lab in ${world.dataDir}, queue: ${world.redis.description}`);
await world.addDomain('ledger.test');
const users: LabUser[] = [];
for (let i = 1; i <= count('accounts'); i++) users.push(await world.addUser(`l${i}@ledger.test`));
const [writer] = users;
if (writer === undefined) throw new Error('--accounts takes at least 1');

const ca = fs.readFileSync(world.caFile, 'utf8');
const ledger = new Ledger(path.join(world.dataDir, 'ledger.txt'));
const done = new AbortController();
const chaos = runChaos(
  world,
  {
    seconds: count('seconds'),
    killsPerAgent: count('kills'),
    flushes: count('flushes'),
    crashes: count('crashes'),
  },
  done.signal,
);
const load = await runLoad({
  ledger,
  doors: [
    { ports: world.replicasOf('mx').map((replica) => replica.ports['port'] ?? 0) },
    {
      ports: world.replicasOf('msa').map((replica) => replica.ports['tls'] ?? 0),
      ca,
      auth: { username: writer.address, password: writer.password },
    },
  ],
  from: writer.address,
  recipients: users.map((user) => user.address),
  connections: count('connections'),
  size: count('size'),
  messages: count('messages'),
  seconds: count('seconds'),
  maxSeconds: count('seconds') * 2 + 60,
});
const trouble = await chaos;
const quietFrom = Date.now();
await Promise.all(world.agents.map((agent) => agent.whenReady()));
await world.empty(180_000);
const drained = (Date.now() - quietFrom) / 1000;
const result = await audit(
  ledger,
  users,
  world.replicasOf('mra').map((replica) => replica.ports['imaps'] ?? 0),
  ca,
);
ledger.close();

console.log(
  `sent: ${load.acknowledged} acknowledged of ${load.tries} tries in ${load.seconds.toFixed(0)} s over ${values.connections} connections`,
);
console.log(
  `trouble: kills ${JSON.stringify(trouble.kills)}, Redis flushed ${trouble.flushes} times, Postgres crashed ${trouble.crashes} times`,
);
console.log(`failed tries: ${load.errors.map(([what, times]) => `${times} × ${what}`).join('; ') || 'none'}`);
console.log(`quiet ${drained.toFixed(1)} s after the last message`);
console.log(
  `found over IMAP: ${result.found}; missing ${result.missing.length}, doubled ${result.doubled.length}, misplaced ${result.misplaced.length}; ` +
    `of ${result.unanswered} tries without a 250, ${result.unansweredFound} arrived`,
);
const exact =
  result.missing.length === 0 &&
  result.doubled.length === 0 &&
  result.misplaced.length === 0 &&
  load.acknowledged >= count('messages');
console.log(exact ? 'EXACT: every acknowledged message is in its mailbox once' : 'NOT EXACT');
for (const id of [
  ...result.missing.slice(0, 5).map((one) => `missing ${one}`),
  ...result.doubled.slice(0, 5).map((one) => `doubled ${one}`),
])
  console.log(`  ${id}`);
process.exitCode = exact ? 0 : 1;
