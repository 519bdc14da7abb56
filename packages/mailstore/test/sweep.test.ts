import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { testDatabase } from '@waybill/lab';
import { openPool } from '@waybill/postgres';
import {
  FLAG,
  mailstoreSchema,
  openDeliveryStore,
  openReaderStore,
  removeAccount,
  StoreRefusal,
  sweep,
} from '../src/index.ts';
import { account, appended, delivery, listeningSignal } from './mail.ts';

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

/** Makes everything that is in the store now look this many days older. */
async function age(days: number): Promise<void> {
  for (const [table, column] of [
    ['delivered', 'at'],
    ['change', 'at'],
    ['orphan', 'at'],
    ['former_name', 'at'],
    ['mailbox', 'deleted_at'],
  ])
    await root.query(`update mailstore.${table} set ${column} = ${column} - make_interval(days => $1)`, [
      days,
    ]);
}

test('a delivery is remembered for a week', async () => {
  const item = delivery(account(1));
  await deliveries.deliver(item);
  await age(6);
  await sweep(mda);
  assert.equal(await deliveries.isDelivered('1', item.deliveryId), true);
  await age(2);
  assert.equal(await sweep(mda), 1);
  assert.equal(await deliveries.isDelivered('1', item.deliveryId), false);
});

test('expunged messages are kept for the grace period, copied ones for good', async () => {
  const me = account(2);
  await reader.openAccount(me);
  await reader.append(me, 'INBOX', [appended('a'), appended('b')]);
  await reader.copy(me, 1, [2], 'Archive');
  await reader.storeFlags('2', 1, [1, 2], 'set', FLAG.deleted, []);
  await reader.expunge('2', 1);
  await age(13);
  await sweep(mda);
  assert.ok(await reader.message('2', '1'));
  await age(2);
  await sweep(mda, { step: 1 });
  assert.equal(await reader.message('2', '1'), undefined);
  assert.ok(await reader.message('2', '2'));
  assert.equal((await reader.usage('2')).messages, 1);
});

test('a deleted mailbox is gone at once, its messages after the grace period', async () => {
  const me = account(3);
  await reader.openAccount(me);
  await reader.createMailbox('3', 'old');
  await reader.append(
    me,
    'old',
    ['a', 'b', 'c'].map((body) => appended(body)),
  );
  await reader.copy(me, (await reader.findMailbox('3', 'old'))!.mailboxId, [1], 'INBOX');
  await reader.deleteMailbox('3', 'old');
  assert.deepEqual((await reader.usage('3')).messages, 1);
  await sweep(mda);
  assert.ok(await reader.message('3', '2'));
  await age(15);
  await sweep(mda, { step: 2 });
  assert.equal(await reader.message('3', '2'), undefined);
  assert.equal(await reader.message('3', '3'), undefined);
  assert.ok(await reader.message('3', '1'), 'INBOX still refers to it');
  const left = await root.query(
    'select from mailstore.mailbox where account_id = 3 and deleted_at is not null',
  );
  assert.equal(left.rowCount, 0);
});

test('a reader whose past is no longer in the log is told so, and one within it is not', async () => {
  const me = account(4);
  await reader.openAccount(me);
  const old = await reader.append(me, 'INBOX', [appended('a')]);
  await reader.append(me, 'INBOX', [appended('b')]);
  await age(31);
  const young = await reader.append(me, 'INBOX', [appended('c')]);
  await sweep(mda);
  assert.equal((await reader.changesSince('4', 1, old.modseq)).complete, false);
  const since = await reader.changesSince('4', 1, young.modseq - 1);
  assert.deepEqual([since.complete, since.added.map((row) => row.uid)], [true, [3]]);
});

test('a log that grows too long is cut to its newest entries', async () => {
  const me = account(5);
  await reader.openAccount(me);
  for (let i = 0; i < 30; i++) await reader.append(me, 'INBOX', [appended('x')]);
  const now = await reader.accountModseq('5');
  await sweep(mda, { changesKept: 10, step: 2 });
  assert.equal((await reader.changesSince('5', 1, now - 11)).complete, false);
  assert.equal((await reader.changesSince('5', 1, now - 10)).added.length, 10);
});

test('a removed account takes no mail, ends after the grace period, and its id stays taken', async () => {
  const me = account(6);
  await deliveries.deliver(delivery(me));
  assert.equal(await removeAccount(mda, '6'), true);
  assert.equal(await removeAccount(mda, '6'), false);
  assert.deepEqual(await deliveries.deliver(delivery(me)), { status: 'no-such-account' });
  await assert.rejects(reader.openAccount(me), StoreRefusal);
  await age(15);
  await sweep(mda);
  const { rows } = await root.query(
    `select (select count(*)::int from mailstore.mailbox where account_id = 6) as mailboxes,
            (select count(*)::int from mailstore.email where account_id = 6) as emails,
            (select count(*)::int from mailstore.account_seq where account_id = 6) as accounts`,
  );
  assert.deepEqual(rows, [{ mailboxes: 0, emails: 0, accounts: 1 }]);
});
