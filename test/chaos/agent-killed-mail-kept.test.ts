import test, { after } from 'node:test';
import { ledgerWorld, underLoad } from './ledger-world.ts';

const t = await ledgerWorld();
after(() => t[Symbol.asyncDispose]());

for (const agent of ['mx', 'msa', 'mta', 'mda', 'mra', 'auth'] as const) {
  test(`agent-killed-mail-kept: ${agent}, by kill -9 under load`, async () => {
    await t.survives({ messages: 150, seconds: 3 }, async () => {
      for (const replica of t.world.replicasOf(agent)) {
        await underLoad(700);
        t.world.agent(replica.name).kill('SIGKILL');
      }
    });
  });
}
