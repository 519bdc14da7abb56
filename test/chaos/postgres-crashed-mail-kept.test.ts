import test, { after } from 'node:test';
import { ledgerWorld, underLoad } from './ledger-world.ts';

const t = await ledgerWorld();
after(() => t[Symbol.asyncDispose]());

test('postgres-crashed-mail-kept: stopped as by a crash in mid-load, and started again', async () => {
  await t.survives({ messages: 300, seconds: 6 }, async () => {
    await underLoad(1500);
    await t.world.database.crash();
    await underLoad(2000);
    await t.world.database.crash();
  });
});
