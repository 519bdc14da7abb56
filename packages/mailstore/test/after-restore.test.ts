import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { testDatabase } from '@waybill/lab';
import { openPool } from '@waybill/postgres';
import { mailstoreSchema, openDeliveryStore, openReaderStore } from '../src/index.ts';
import { account, delivery, listeningSignal } from './mail.ts';

const db = await testDatabase([mailstoreSchema]);
const mda = openPool(db.urlAs('mda'), { size: 2 });
const mra = openPool(db.urlAs('mra'), { size: 2 });
const root = openPool(db.url, { size: 1 });
const signal = listeningSignal();
const deliveries = openDeliveryStore(mda, { signal });
const reader = openReaderStore(mra, { signal });
after(async () => {
  await Promise.all([mda.end(), mra.end(), root.end()]);
  await db[Symbol.asyncDispose]();
});

test('after a restore old mail keeps its UIDs, and no number that a client may know is given out again', async () => {
  const ann = account(7);
  const id = ann.accountId;
  const old = await deliveries.deliver(delivery(ann));
  await reader.createMailbox(id, 'Trips');
  const before = await reader.snapshot(id, 1, true);
  const trips = await reader.findMailbox(id, 'Trips');

  const { rows } = await root.query<{ accounts: string }>('select mailstore.after_restore() as accounts');
  assert.equal(rows[0]?.accounts, '1');

  const fresh = await deliveries.deliver(delivery(ann));
  assert.ok(old.status === 'stored' && fresh.status === 'stored');
  assert.ok(fresh.uid >= before.info.uidNext + 100_000, String(fresh.uid));
  assert.ok(fresh.modseq > before.modseq + 100_000);
  assert.ok(Number(fresh.emailId) > Number(old.emailId) + 100_000);
  const now = await reader.snapshot(id, 1, false);
  assert.deepEqual(now.uids, [old.uid, fresh.uid]);
  assert.equal(now.info.uidValidity, before.info.uidValidity, 'clients need not download all again');
  assert.equal(
    (await reader.changesSince(id, 1, before.modseq)).complete,
    false,
    'the old log tells nothing',
  );

  // A mailbox made between the backup and the loss had the next numbers.
  const made = await reader.createMailbox(id, 'Journeys');
  assert.ok(made.uidValidity > (trips?.uidValidity ?? 0) + 1000);
  assert.ok(made.mailboxId > (trips?.mailboxId ?? 0) + 1000);
});

test('no agent may do that', async () => {
  for (const pool of [mda, mra])
    await assert.rejects(pool.query('select mailstore.after_restore()'), /permission denied/);
});
