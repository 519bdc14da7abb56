import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { blobstoreSchema } from '@waybill/blobstore';
import { testDatabase } from '@waybill/lab';
import { openPool } from '@waybill/postgres';
import { FLAG, mailstoreSchema, openDeliveryStore, openReaderStore, StoreRefusal } from '../src/index.ts';
import { account, appended, delivery, listeningSignal } from './mail.ts';

const db = await testDatabase([blobstoreSchema, mailstoreSchema]);
const mda = openPool(db.urlAs('mda'), { size: 2 });
const mra = openPool(db.urlAs('mra'), { size: 4 });
const signal = listeningSignal();
const deliveries = openDeliveryStore(mda, { signal });
const reader = openReaderStore(mra, { signal });
after(async () => {
  await Promise.all([mda.end(), mra.end()]);
  await db[Symbol.asyncDispose]();
});

let lastAccount = 0;
async function freshAccount(quotaBytes = 0, quotaMessages = 0) {
  const made = account(++lastAccount, quotaBytes, quotaMessages);
  await reader.openAccount(made);
  return made;
}
const refused = (reason: StoreRefusal['reason']) => (error: unknown) =>
  error instanceof StoreRefusal && error.reason === reason;
async function idOf(accountId: string, name: string): Promise<number> {
  const found = await reader.findMailbox(accountId, name);
  assert.ok(found, `${name} exists`);
  return found.mailboxId;
}

test('an account opened twice has its default mailboxes once, all subscribed', async () => {
  const { accountId } = await freshAccount();
  await reader.openAccount(account(Number(accountId), 5000));
  const boxes = await reader.listMailboxes(accountId);
  assert.deepEqual(
    boxes.map((box) => [box.name, box.specialUse, box.subscribed]),
    [
      ['Archive', '\\Archive', true],
      ['Drafts', '\\Drafts', true],
      ['INBOX', null, true],
      ['Junk', '\\Junk', true],
      ['Sent', '\\Sent', true],
      ['Trash', '\\Trash', true],
    ],
  );
  assert.equal((await reader.usage(accountId)).quotaBytes, 5000);
  assert.equal((await reader.findMailbox(accountId, 'inbox'))?.name, 'INBOX');
  assert.equal(await reader.findMailbox(accountId, 'inb*x'), undefined);
  await assert.rejects(reader.accountModseq('987654'), refused('no-such-account'));
});

test('a snapshot shows what was delivered and appended, with flags, keywords, dates and sizes', async () => {
  const me = await freshAccount();
  const { accountId } = me;
  const item = delivery(me);
  const stored = await deliveries.deliver(item);
  assert.equal(stored.status, 'stored');
  const internalDate = new Date('1999-12-31T23:59:58Z');
  const put = await reader.append(me, 'InBox', [
    appended('a', { flags: FLAG.seen, keywords: ['$Forwarded', 'blue', '$forwarded'], internalDate }),
    appended('bc'),
  ]);
  const snap = await reader.snapshot(accountId, 1, false);
  assert.deepEqual(put.uids, [2, 3]);
  assert.equal(put.uidValidity, snap.info.uidValidity);
  assert.deepEqual(snap.uids, [1, 2, 3]);
  assert.deepEqual(snap.flags, [0, FLAG.seen, 0]);
  assert.deepEqual(snap.keywords, [undefined, ['$Forwarded', 'blue'], undefined]);
  assert.deepEqual(snap.sizes, [item.prefix.length + 31, 1, 2]);
  assert.equal(snap.internalDates[1], internalDate.getTime());
  assert.deepEqual(snap.emailIds, ['1', '2', '3']);
  assert.deepEqual(snap.modseqs, [2, 3, 3]);
  assert.equal(snap.modseq, 3);
  assert.equal(snap.info.messages, 3);
  assert.equal(snap.info.unseen, 2);
  assert.equal(snap.info.uidNext, 4);
  assert.equal(snap.info.highestModseq, 3);
  const empty = await reader.snapshot(accountId, 2, true);
  assert.deepEqual([empty.uids, empty.keywords, empty.internalDates], [[], [], []]);
  await assert.rejects(reader.snapshot(accountId, 99, false), refused('no-such-mailbox'));
});

test('recent messages are announced to one session', async () => {
  const me = await freshAccount();
  const { accountId } = me;
  await reader.append(me, 'INBOX', [appended('a'), appended('b')]);
  assert.equal((await reader.snapshot(accountId, 1, false)).info.recentFrom, 1, 'EXAMINE claims nothing');
  assert.equal((await reader.snapshot(accountId, 1, true)).info.recentFrom, 1);
  assert.equal((await reader.snapshot(accountId, 1, true)).info.recentFrom, 3);
  await reader.append(me, 'INBOX', [appended('c')]);
  assert.equal(await reader.claimRecent(accountId, 1), 3);
  assert.equal(await reader.claimRecent(accountId, 1), 4);
  await assert.rejects(reader.claimRecent(accountId, 99), refused('no-such-mailbox'));
});

test('STORE changes MODSEQ only where something changes', async () => {
  const me = await freshAccount();
  const { accountId } = me;
  const { modseq } = await reader.append(me, 'INBOX', [
    appended('a'),
    appended('b', { flags: FLAG.seen }),
    appended('c'),
  ]);
  const first = await reader.storeFlags(accountId, 1, [1, 2, 9], 'add', FLAG.seen, []);
  assert.deepEqual([first.modseq, first.changed], [modseq + 1, true]);
  assert.deepEqual(
    first.rows.map((row) => [row.uid, row.flags, row.modseq]),
    [
      [1, FLAG.seen, modseq + 1],
      [2, FLAG.seen, modseq],
    ],
  );
  const again = await reader.storeFlags(accountId, 1, [1, 2], 'add', FLAG.seen, []);
  assert.deepEqual([again.modseq, again.changed], [modseq + 1, false]);
  assert.equal((await reader.findMailbox(accountId, 'INBOX'))?.unseen, 1);
  const none = await reader.storeFlags(accountId, 1, [], 'set', 0, []);
  assert.deepEqual(none, { modseq: modseq + 1, changed: false, rows: [] });
  const removed = await reader.storeFlags(accountId, 1, [1, 2, 3], 'remove', FLAG.seen | FLAG.draft, []);
  assert.deepEqual(
    removed.rows.map((row) => row.flags),
    [0, 0, 0],
  );
  assert.equal((await reader.findMailbox(accountId, 'INBOX'))?.unseen, 3);
  const set = await reader.storeFlags(accountId, 1, [3], 'set', FLAG.flagged | FLAG.seen, ['work']);
  assert.deepEqual(set.rows[0]?.keywords, ['work']);
  const changes = await reader.changesSince(accountId, 1, modseq);
  assert.deepEqual(
    changes.changed.map((row) => row.uid),
    [1, 2, 3],
  );
  assert.deepEqual([changes.added, changes.expunged, changes.complete], [[], [], true]);
});

test('keywords are one whatever their case, sorted, and limited', async () => {
  const me = await freshAccount();
  const { accountId } = me;
  await reader.append(me, 'INBOX', [appended('a', { keywords: ['Blue'] })]);
  const store = async (mode: 'set' | 'add' | 'remove', keywords: string[]) =>
    (await reader.storeFlags(accountId, 1, [1], mode, 0, keywords)).rows[0]?.keywords;
  assert.deepEqual(await store('add', ['blue', 'Amber', 'AMBER']), ['Amber', 'Blue']);
  assert.deepEqual(await store('remove', ['bLUE']), ['Amber']);
  assert.deepEqual(await store('remove', ['none']), ['Amber']);
  assert.deepEqual(await store('set', []), []);
  const many = Array.from({ length: 64 }, (_, i) => `k${i}`);
  assert.equal((await store('set', many))?.length, 64);
  await assert.rejects(store('add', ['one-more']), refused('too-many'));
  await assert.rejects(store('set', [...many, 'one-more']), refused('too-many'));
  assert.equal((await store('add', many.slice(0, 3)))?.length, 64);
  await assert.rejects(store('add', ['two words']), RangeError);
  await assert.rejects(store('add', ['x'.repeat(200)]), refused('too-many'));
});

test('EXPUNGE removes what is marked, UID EXPUNGE only of those asked, and usage follows', async () => {
  const me = await freshAccount();
  const { accountId } = me;
  await reader.append(
    me,
    'INBOX',
    ['a', 'bb', 'ccc', 'dddd'].map((body) => appended(body)),
  );
  await reader.storeFlags(accountId, 1, [1, 2, 4], 'add', FLAG.deleted, []);
  assert.deepEqual((await reader.expunge(accountId, 1, [2, 3])).uids, [2]);
  const { uids, modseq } = await reader.expunge(accountId, 1);
  assert.deepEqual(uids, [1, 4]);
  assert.deepEqual(await reader.expunge(accountId, 1), { modseq, uids: [] });
  const usage = await reader.usage(accountId);
  assert.deepEqual([usage.bytes, usage.messages], [3, 1]);
  assert.deepEqual((await reader.remove(accountId, 1, [3, 4])).uids, [3]);
  const info = await reader.findMailbox(accountId, 'INBOX');
  assert.deepEqual([info?.messages, info?.unseen, info?.uidNext], [0, 0, 5]);
  assert.deepEqual(
    (await reader.message(accountId, '2'))?.body,
    Buffer.from('bb'),
    'kept for the grace period',
  );
  await assert.rejects(reader.expunge(accountId, 99), refused('no-such-mailbox'));
});

test('COPY and MOVE keep flags, keywords and dates', async () => {
  const me = await freshAccount();
  const { accountId } = me;
  const internalDate = new Date('2001-02-03T04:05:06Z');
  await reader.append(me, 'INBOX', [
    appended('a'),
    appended('b', { flags: FLAG.flagged, keywords: ['x'], internalDate }),
    appended('c'),
  ]);
  const archive = await idOf(accountId, 'Archive');
  const copy = await reader.copy(me, 1, [3, 2, 77], 'Archive');
  assert.deepEqual(
    [copy.from, copy.to],
    [
      [2, 3],
      [1, 2],
    ],
  );
  const move = await reader.move(me, 1, [1, 2], 'Archive');
  assert.deepEqual(
    [move.from, move.to],
    [
      [1, 2],
      [3, 4],
    ],
  );
  assert.deepEqual((await reader.snapshot(accountId, 1, false)).uids, [3]);
  const there = await reader.snapshot(accountId, archive, false);
  assert.equal(there.info.uidValidity, move.uidValidity);
  assert.deepEqual(there.flags, [FLAG.flagged, 0, 0, FLAG.flagged]);
  assert.deepEqual(there.keywords[0], ['x']);
  assert.equal(there.internalDates[3], internalDate.getTime());
  assert.deepEqual(there.emailIds, ['2', '3', '1', '2']);
  assert.deepEqual((await reader.copy(me, 1, [50], 'Archive')).from, []);
  assert.equal((await reader.usage(accountId)).messages, 5);
  const inPlace = await reader.move(me, archive, [1, 2], 'Archive');
  assert.deepEqual(inPlace.to, [5, 6]);
  assert.deepEqual((await reader.snapshot(accountId, archive, false)).uids, [3, 4, 5, 6]);
  await assert.rejects(reader.copy(me, 1, [3], 'nowhere'), refused('no-such-mailbox'));
  await assert.rejects(reader.copy(me, 99, [3], 'Archive'), refused('no-such-message'));
});

test('quota holds for APPEND and COPY, all or nothing, and not for MOVE', async () => {
  const me = await freshAccount(10, 0);
  const { accountId } = me;
  await reader.append(me, 'INBOX', [appended('123456')]);
  await assert.rejects(reader.append(me, 'INBOX', [appended('1234'), appended('5')]), refused('over-quota'));
  await assert.rejects(reader.copy(me, 1, [1], 'Trash'), refused('over-quota'));
  assert.deepEqual((await reader.move(me, 1, [1], 'Trash')).to, [1]);
  await reader.append(me, 'INBOX', [appended('1234')]);
  assert.deepEqual((await reader.snapshot(accountId, 1, false)).uids, [2]);
  assert.equal((await reader.usage(accountId)).bytes, 10);
});

test('APPEND makes the account when it is missing; large bodies come back whole', async () => {
  const me = account(++lastAccount);
  const large = appended('x'.repeat(100_000));
  await reader.append(me, 'Sent', [large, appended('small')]);
  assert.deepEqual((await reader.message(me.accountId, '1'))?.body, large.body);
  const small = await reader.message(me.accountId, '2');
  assert.deepEqual([small?.body.toString(), small?.prefix.length], ['small', 0]);
  assert.equal(await reader.message(me.accountId, '3'), undefined);
  await assert.rejects(reader.append(me, 'nowhere', [large]), refused('no-such-mailbox'));
});

test('summaries come in the order asked', async () => {
  const me = await freshAccount();
  await reader.append(
    me,
    'INBOX',
    ['a', 'b', 'c'].map((s) => appended(s, { summary: Buffer.from(`of ${s}`) })),
  );
  const found = await reader.summaries(me.accountId, ['3', '9', '1', '3']);
  assert.deepEqual(
    found.map((each) => each?.summary.toString()),
    ['of c', undefined, 'of a', 'of c'],
  );
  assert.deepEqual(await reader.summaries(me.accountId, []), []);
});

test('changes: what came and went between is not told; an unknown past asks for a new snapshot', async () => {
  const me = await freshAccount();
  const { accountId } = me;
  const { modseq } = await reader.append(me, 'INBOX', [appended('a'), appended('b')]);
  await reader.append(me, 'INBOX', [appended('c'), appended('d')]);
  await reader.remove(accountId, 1, [1, 3]);
  const changes = await reader.changesSince(accountId, 1, modseq);
  assert.deepEqual(
    changes.added.map((row) => row.uid),
    [4],
  );
  assert.deepEqual(changes.expunged, [1]);
  const future = await reader.changesSince(accountId, 1, changes.modseq + 1);
  assert.equal(future.complete, false);
  assert.deepEqual((await reader.changesSince(accountId, 1, changes.modseq)).added, []);
  await assert.rejects(reader.changesSince('987654', 1, 1), refused('no-such-account'));
});
