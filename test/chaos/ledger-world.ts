import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { migrateAll } from '@waybill/cli';
import { type LabUser, World, type WorldOptions } from '@waybill/lab';
import { audit } from '../ledger/audit.ts';
import { Ledger } from '../ledger/ledger-file.ts';
import { type LoadReport, runLoad } from '../ledger/load.ts';

/** A world under load: ten mailboxes, senders at mx and at msa, and the audit at the end. */
export interface LedgerWorld extends AsyncDisposable {
  readonly world: World;
  /**
   * Sends `messages` over `seconds` while `trouble` happens, waits until all is quiet, and asserts
   * that every acknowledged message is in its mailbox exactly once.
   */
  survives(
    load: { readonly messages: number; readonly seconds: number },
    trouble: () => Promise<void>,
  ): Promise<LoadReport>;
}

export async function ledgerWorld(options: Partial<WorldOptions> = {}): Promise<LedgerWorld> {
  const world = await World.start({
    migrate: migrateAll,
    portBase: 0,
    redis: 'none',
    replicas: { mx: 2, mta: 2, mda: 2, mra: 2 },
    ...options,
  });
  await world.addDomain('ledger.test');
  const users: LabUser[] = [];
  for (let i = 1; i <= 10; i++) users.push(await world.addUser(`l${i}@ledger.test`));
  const [writer] = users;
  assert.ok(writer);
  const ca = fs.readFileSync(world.caFile, 'utf8');
  const ledger = new Ledger(path.join(world.dataDir, 'ledger.txt'));
  return {
    world,
    async survives(load, trouble) {
      const sending = runLoad({
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
        connections: 10,
        size: 5120,
        messages: load.messages,
        seconds: load.seconds,
        maxSeconds: load.seconds + 90,
      });
      await trouble();
      const report = await sending;
      await Promise.all(world.agents.map((agent) => agent.whenReady()));
      await world.empty(120_000);
      const found = await audit(
        ledger,
        users,
        world.replicasOf('mra').map((replica) => replica.ports['imaps'] ?? 0),
        ca,
      );
      assert.ok(
        report.acknowledged >= load.messages,
        `only ${report.acknowledged} were acknowledged: ${JSON.stringify(report.errors.slice(0, 5))}`,
      );
      assert.deepEqual(
        { missing: found.missing, doubled: found.doubled, misplaced: found.misplaced },
        { missing: [], doubled: [], misplaced: [] },
      );
      return report;
    },
    async [Symbol.asyncDispose]() {
      ledger.close();
      await world[Symbol.asyncDispose]();
    },
  };
}

/** Resolves when this many milliseconds of load have passed: trouble is spread over the load, not waited for. */
export function underLoad(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
