import net from 'node:net';
import { parseArgs } from 'node:util';
import { migrateAll } from '@waybill/cli';
import { World } from '@waybill/lab';

/**
 * A lab that waits for load: bench.test with mailboxes u1…, and printed ready to paste what a load
 * client needs to know. Stays up until Ctrl-C.
 *
 *     node bench/lab-for-load.ts --port-base 12000 --accounts 100
 */
const { values } = parseArgs({
  options: {
    'port-base': { type: 'string', default: '12000' },
    accounts: { type: 'string', default: '100' },
    redis: { type: 'string', default: 'auto' },
    data: { type: 'string' },
    replicas: { type: 'string', default: '1' },
  },
});
const replicas = Number(values.replicas);
const stop = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
});
await using world = await World.start({
  migrate: migrateAll,
  portBase: Number(values['port-base']),
  redis: values.redis,
  dataDir: values.data,
  // Some load clients cut their text in the middle of a line end; a refusal would only measure that.
  extra: { mx: { WAYBILL_BARE_LINE_ENDS: 'normalise' } },
  replicas: { mx: replicas, mta: replicas, mda: replicas, mra: replicas },
});
await world.addDomain('bench.test');
for (let i = 1; i <= Number(values.accounts); i++) await world.addUser(`u${i}@bench.test`, 'pass-word');
// Says how many recipients are not finished to whoever connects: asking must cost less than what is measured.
const counter = net.createServer((socket) => {
  socket.on('error', () => undefined);
  void world.database.openRecipients().then(({ open }) => socket.end(`${open}\n`));
});
await new Promise<void>((resolve) => counter.listen(0, '127.0.0.1', resolve));
const { port: counterPort } = counter.address() as net.AddressInfo;
const pids = [
  ...world.agents.map((agent) => `${agent.name}=pid:${agent.pid}`),
  `postgres=pid:${world.database.pid}`,
  ...(world.redis.pid === null ? [] : [`redis=pid:${world.redis.pid}`]),
];
console.log(`data      ${world.dataDir}`);
console.log(`queue     ${world.redis.description}`);
console.log(`mx        ${world.ports.mx}`);
console.log(`imap      ${world.ports.imap} imaps ${world.ports.imaps} pop3 ${world.ports.pop3}`);
console.log(`cpu       ${pids.join(',')}`);
console.log(`queued    cat </dev/tcp/127.0.0.1/${counterPort}`);
console.log('ready');
await stop;
counter.close();
