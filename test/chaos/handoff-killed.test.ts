import assert from 'node:assert/strict';
import path from 'node:path';
import test, { after } from 'node:test';
import type { LabUser } from '@waybill/lab';
import { twoMachines } from '../journeys/two-machines.ts';
import { audit } from '../ledger/audit.ts';
import { Ledger } from '../ledger/ledger-file.ts';
import { type LoadReport, runLoad } from '../ledger/load.ts';
import { underLoad } from './ledger-world.ts';

const { here, there, ...both } = await twoMachines({
  hop: (door, authority) => ({
    msa: { WAYBILL_HANDOFF: door, WAYBILL_HANDOFF_CA_FILE: authority },
    mx: { WAYBILL_HANDOFF: door, WAYBILL_HANDOFF_CA_FILE: authority },
  }),
  here: { replicas: { msa: 2, mx: 2 } },
  there: { replicas: { mta: 2 } },
});
after(() => both[Symbol.asyncDispose]());
const users: LabUser[] = [];
for (const machine of [here, there]) await machine.world.addDomain('ledger.test');
for (let i = 1; i <= 6; i++) {
  const address = `l${i}@ledger.test`;
  await here.world.addUser(address);
  users.push(await there.world.addUser(address));
}
const [writer] = here.world.users.filter(({ address }) => address === 'l1@ledger.test');
assert.ok(writer);
const ledger = new Ledger(path.join(there.world.dataDir, 'ledger.txt'));
after(() => ledger.close());

/** Sends to both doors here while `trouble` happens; every acknowledged message is in its mailbox there, once. */
async function survives(trouble: () => Promise<void>): Promise<LoadReport> {
  const messages = 120;
  const sending = runLoad({
    ledger,
    doors: [
      { ports: here.world.replicasOf('mx').map((replica) => replica.ports['port'] ?? 0) },
      {
        ports: here.world.replicasOf('msa').map((replica) => replica.ports['tls'] ?? 0),
        ca: here.ca,
        auth: { username: writer?.address ?? '', password: writer?.password ?? '' },
      },
    ],
    from: writer?.address ?? '',
    recipients: users.map((user) => user.address),
    connections: 6,
    size: 5120,
    messages,
    seconds: 3,
    maxSeconds: 120,
  });
  await trouble();
  const report = await sending;
  await Promise.all([here, there].flatMap(({ world }) => world.agents.map((one) => one.whenReady())));
  await there.world.empty(120_000);
  assert.ok(report.acknowledged >= messages, JSON.stringify(report.errors.slice(0, 5)));
  assert.equal((await here.world.database.openRecipients()).open, 0, 'nothing was spooled here');
  const ports = there.world.replicasOf('mra').map((replica) => replica.ports['imaps'] ?? 0);
  const found = await audit(ledger, users, ports, there.ca);
  assert.deepEqual(
    { missing: found.missing, doubled: found.doubled, misplaced: found.misplaced },
    { missing: [], doubled: [], misplaced: [] },
  );
  return report;
}

test('handoff-rolled: the next machine’s mta restarted replica by replica, and no client notices', async () => {
  const { errors } = await survives(async () => {
    for (const { name } of there.world.replicasOf('mta')) await there.world.replace(name);
  });
  assert.deepEqual(errors, []);
});

for (const [agent, machine] of [
  ['msa', here],
  ['mx', here],
  ['mta', there],
] as const) {
  test(`handoff-killed: ${agent} by kill -9 under load, every acknowledged message is there once`, async () => {
    await survives(async () => {
      for (const replica of machine.world.replicasOf(agent)) {
        await underLoad(700);
        machine.world.agent(replica.name).kill('SIGKILL');
      }
    });
  });
}
