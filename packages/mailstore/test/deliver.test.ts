import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test, { after } from 'node:test';
import { testDatabase } from '@waybill/lab';
import { openPool } from '@waybill/postgres';
import { deliverBatch } from '../src/deliver.ts';
import { mailstoreSchema, openDeliveryStore } from '../src/index.ts';
import { account, delivery, listeningSignal } from './mail.ts';

const db = await testDatabase([mailstoreSchema]);
const mda = openPool(db.urlAs('mda'), { size: 4 });
const otherMda = openPool(db.urlAs('mda'), { size: 4 });
const root = openPool(db.url, { size: 2 });
const signal = listeningSignal();
const store = openDeliveryStore(mda, { signal });
after(async () => {
  await Promise.all([mda.end(), otherMda.end(), root.end()]);
  await db[Symbol.asyncDispose]();
});

async function inbox(accountId: string): Promise<number[]> {
  const { rows } = await root.query(
    'select uid::int from mailstore.mailbox_msg where account_id = $1 and mailbox_id = 1 order by uid',
    [accountId],
  );
  return rows.map((row) => row.uid);
}

test('the first delivery makes the account with its default mailboxes', async () => {
  const verdict = await store.deliver(delivery(account(1)));
  assert.deepEqual(verdict, { status: 'stored', uid: 1, mailboxId: 1, emailId: '1', modseq: 2 });
  const { rows } = await root.query(
    'select name, special_use from mailstore.mailbox where account_id = 1 order by mailbox_id',
  );
  assert.deepEqual(
    rows.map((row) => [row.name, row.special_use]),
    [
      ['INBOX', null],
      ['Drafts', '\\Drafts'],
      ['Sent', '\\Sent'],
      ['Trash', '\\Trash'],
      ['Junk', '\\Junk'],
      ['Archive', '\\Archive'],
    ],
  );
  assert.deepEqual(signal.said.splice(0), ['1']);
});

test('a recorded delivery is known, and filed no second time', async () => {
  const item = delivery(account(2));
  assert.equal(await store.isDelivered('2', item.deliveryId), false);
  assert.equal((await store.deliver(item)).status, 'stored');
  assert.equal(await store.isDelivered('2', item.deliveryId), true);
  assert.equal(await store.isDelivered('1', item.deliveryId), false);
  assert.deepEqual(await store.deliver(item), { status: 'duplicate' });
  assert.deepEqual(await inbox('2'), [1]);
});

test('the same delivery twice in one batch is filed once; the same id for two accounts is two deliveries', async () => {
  const item = delivery(account(3));
  const verdicts = await deliverBatch(mda, signal, [
    item,
    { ...item, deliveryId: item.deliveryId.toUpperCase() },
    { ...item, account: account(4) },
  ]);
  assert.deepEqual(
    verdicts.map((verdict) => verdict.status),
    ['stored', 'duplicate', 'stored'],
  );
  assert.deepEqual(await inbox('3'), [1]);
  assert.deepEqual(await inbox('4'), [1]);
});

test('the same deliveries through two agents at once are filed once each', async () => {
  const items = Array.from({ length: 40 }, (_, i) => delivery(account(10 + (i % 7))));
  const results = await Promise.all([
    deliverBatch(mda, signal, items),
    deliverBatch(otherMda, signal, items.toReversed()),
    deliverBatch(mda, signal, items.slice(10, 30)),
  ]);
  const stored = results.flat().filter((verdict) => verdict.status === 'stored').length;
  assert.equal(stored, 40);
  assert.ok(results.flat().every((verdict) => verdict.status === 'stored' || verdict.status === 'duplicate'));
  const { rows } = await root.query(
    'select count(*)::int as n from mailstore.mailbox_msg where account_id between 10 and 16',
  );
  assert.equal(rows[0].n, 40);
});

test('quota is judged per item, in order, beside items that are good', async () => {
  const size = 100;
  const item = (to: ReturnType<typeof account>, bytes = size) =>
    delivery(to, { prefix: Buffer.alloc(0), body: { inline: Buffer.alloc(bytes, 'x') } });
  const byBytes = account(20, 250);
  const byCount = account(21, 0, 1);
  const verdicts = await deliverBatch(mda, signal, [
    item(byBytes),
    item(byBytes, 200), // does not fit behind the first
    item(byBytes), // fits all the same
    item(byBytes), // and this one no more
    item(byCount),
    item(byCount),
    item(account(22)),
  ]);
  assert.deepEqual(
    verdicts.map((verdict) => verdict.status),
    ['stored', 'over-quota', 'stored', 'over-quota', 'stored', 'over-quota', 'stored'],
  );
  const { rows } = await root.query(
    'select used_bytes::int as bytes, used_messages::int as messages from mailstore.account_seq where account_id in (20, 21, 22) order by account_id',
  );
  assert.deepEqual(rows, [
    { bytes: 200, messages: 2 },
    { bytes: 100, messages: 1 },
    { bytes: 100, messages: 1 },
  ]);
});

test('an exactly full quota takes the message; a recorded delivery is a duplicate whatever the quota', async () => {
  const full = account(23, 100);
  const item = delivery(full, { prefix: Buffer.alloc(40), body: { inline: Buffer.alloc(60) } });
  assert.equal((await store.deliver(item)).status, 'stored');
  assert.deepEqual(await store.deliver(delivery(full)), { status: 'over-quota' });
  assert.deepEqual(await store.deliver(item), { status: 'duplicate' });
});

test('several messages of one account in a batch get rising UIDs in the order given', async () => {
  const verdicts = await deliverBatch(mda, signal, [
    delivery(account(30)),
    delivery(account(31)),
    delivery(account(30)),
    delivery(account(30), { target: 'junk' }),
    delivery(account(30)),
  ]);
  assert.deepEqual(
    verdicts.map((verdict) =>
      verdict.status === 'stored' ? [verdict.mailboxId, verdict.uid, verdict.emailId] : verdict.status,
    ),
    [
      [1, 1, '1'],
      [1, 1, '1'],
      [1, 2, '2'],
      [5, 1, '3'],
      [1, 3, '4'],
    ],
  );
  const { rows } = await root.query(
    'select mailbox_id, uids, modseq::int from mailstore.change where account_id = 30 order by mailbox_id',
  );
  assert.deepEqual(rows, [
    { mailbox_id: 1, uids: '1:3', modseq: 2 },
    { mailbox_id: 5, uids: '1', modseq: 2 },
  ]);
});

test('junk makes its mailbox where the user deleted it, also beside a message for INBOX', async () => {
  await store.deliver(delivery(account(32)));
  await root.query(
    "update mailstore.mailbox set deleted_at = now() where account_id = 32 and special_use = '\\Junk'",
  );
  const verdicts = await deliverBatch(mda, signal, [
    delivery(account(32), { target: 'junk' }),
    delivery(account(32)),
    delivery(account(33), { target: 'junk' }),
    delivery(account(32), { target: 'junk' }),
  ]);
  assert.deepEqual(
    verdicts.map((verdict) => (verdict.status === 'stored' ? [verdict.mailboxId, verdict.uid] : verdict)),
    [
      [7, 1],
      [1, 2],
      [5, 1],
      [7, 2],
    ],
  );
  const { rows } = await root.query(
    'select name, special_use from mailstore.mailbox where account_id = 32 and mailbox_id = 7',
  );
  assert.deepEqual(rows, [{ name: 'Junk', special_use: '\\Junk' }]);
});

test('a mailbox Junk of no particular use becomes the one', async () => {
  await store.deliver(delivery(account(56)));
  await root.query("update mailstore.mailbox set special_use = null where account_id = 56 and name = 'Junk'");
  const verdict = await store.deliver(delivery(account(56), { target: 'junk' }));
  assert.equal(verdict.status === 'stored' && verdict.mailboxId, 5);
});

test('junk of an account that can have no more mailboxes goes to INBOX', async () => {
  await store.deliver(delivery(account(57)));
  await root.query(`delete from mailstore.mailbox where account_id = 57 and name = 'Junk'`);
  await root.query(
    `insert into mailstore.mailbox (account_id, mailbox_id, name, uidvalidity)
     select 57, 10 + i, 'b' || i, 1 from generate_series(1, 1995) i`,
  );
  const verdict = await store.deliver(delivery(account(57), { target: 'junk' }));
  assert.equal(verdict.status === 'stored' && verdict.mailboxId, 1);
});

test('a removed account takes nothing, and its neighbours in the batch lose nothing', async () => {
  await store.deliver(delivery(account(34)));
  await root.query('update mailstore.account_seq set removed_at = now() where account_id = 34');
  const verdicts = await deliverBatch(mda, signal, [delivery(account(34)), delivery(account(35))]);
  assert.deepEqual(
    verdicts.map((verdict) => verdict.status),
    ['no-such-account', 'stored'],
  );
});

test('an id that cannot be stored fails alone', async () => {
  await assert.rejects(store.deliver(delivery({ ...account(1), accountId: '07' })), RangeError);
  await assert.rejects(
    store.deliver(delivery({ ...account(1), accountId: '9223372036854775808' })),
    RangeError,
  );
  const [bad, good] = await Promise.allSettled([
    store.deliver(delivery(account(36), { deliveryId: 'no uuid' })),
    store.deliver(delivery(account(36))),
  ]);
  assert.equal(bad.status, 'rejected');
  assert.equal(good.status === 'fulfilled' && good.value.status, 'stored');
});

test('octets, dates and body references are stored as given', async () => {
  const item = delivery(account(37), { sentAt: new Date(Number.NaN) });
  await deliverBatch(mda, signal, [
    item,
    delivery(account(37), { body: { blobKey: 'k"e\\y', size: 70_000 }, sentAt: new Date(-1e15) }),
  ]);
  const { rows } = await root.query(
    'select size, sent_at, prefix, body, blob_key, summary from mailstore.email where account_id = 37 order by email_id',
  );
  assert.deepEqual(rows[0].prefix, item.prefix);
  assert.deepEqual(rows[0].body, 'inline' in item.body && item.body.inline);
  assert.deepEqual(rows[0].summary, item.summary);
  assert.equal(rows[0].sent_at, null);
  assert.equal(rows[1].size, 70_000 + item.prefix.length);
  assert.equal(rows[1].blob_key, 'k"e\\y');
  assert.equal(rows[1].body, null);
  const kept = await root.query('select mailstore.references_blob($1) as key', [['k"e\\y', 'other']]);
  assert.deepEqual(kept.rows, [{ key: 'k"e\\y' }]);
});

test('batches that cross each other neither deadlock nor lose, new accounts included', async () => {
  const pools = [mda, otherMda];
  const rounds = 30;
  const writers = Array.from({ length: 6 }, async (_, writer) => {
    let seed = 7 + writer;
    const next = () => (seed = (seed * 48_271) % 2_147_483_647);
    for (let round = 0; round < rounds; round++) {
      const items = Array.from({ length: 10 }, () => delivery(account(1000 + (next() % 40))));
      const verdicts = await deliverBatch(pools[writer % 2]!, signal, items);
      assert.ok(verdicts.every((verdict) => verdict.status === 'stored'));
    }
  });
  await Promise.all(writers);
  const { rows } = await root.query(
    `select sum(s.used_messages)::int as n, bool_and(m.uidnext = m.messages + 1 and m.messages = s.used_messages) as gapless
       from mailstore.account_seq s join mailstore.mailbox m using (account_id) where account_id >= 1000 and m.mailbox_id = 1`,
  );
  assert.deepEqual(rows, [{ n: 6 * rounds * 10, gapless: true }]);
  const gaps = await root.query(
    `select account_id from mailstore.mailbox_msg where account_id >= 1000 group by account_id having max(uid) <> count(*)`,
  );
  assert.deepEqual(gaps.rows, []);
});

test('a delivery whose transaction is cut off leaves nothing; tried again it is filed once', async () => {
  const item = delivery(account(40), { deliveryId: randomUUID() });
  await store.deliver(delivery(account(40)));
  const holder = await root.connect();
  await holder.query('begin');
  await holder.query('select from mailstore.account_seq where account_id = 40 for update');
  const cutOff = assert.rejects(deliverBatch(otherMda, signal, [item]));
  // The statement waits for the lock that we hold: end its session there.
  for (let ended = 0; ended === 0;) {
    const { rowCount } = await root.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where usename = 'waybill_mda' and wait_event_type = 'Lock' and datname = current_database()`,
    );
    ended = rowCount ?? 0;
  }
  await cutOff;
  await holder.query('rollback');
  holder.release();
  assert.equal(await store.isDelivered('40', item.deliveryId), false);
  assert.equal((await store.deliver(item)).status, 'stored');
  assert.deepEqual(await inbox('40'), [1, 2]);
});
