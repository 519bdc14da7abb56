import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { testDatabase } from '@waybill/lab';
import { openPool } from '@waybill/postgres';
import { FLAG, mailstoreSchema, openReaderStore, StoreRefusal } from '../src/index.ts';
import { account, appended, listeningSignal } from './mail.ts';

const db = await testDatabase([mailstoreSchema]);
const mra = openPool(db.urlAs('mra'), { size: 4 });
const reader = openReaderStore(mra, { signal: listeningSignal() });
after(async () => {
  await mra.end();
  await db[Symbol.asyncDispose]();
});

let last = 0;
async function fresh() {
  const me = account(++last);
  await reader.openAccount(me);
  return me;
}
const refused = (reason: StoreRefusal['reason']) => (error: unknown) =>
  error instanceof StoreRefusal && error.reason === reason;
const names = async (accountId: string) =>
  (await reader.listMailboxes(accountId))
    .map((box) => box.name)
    .filter((name) => !['Archive', 'Drafts', 'Junk', 'Sent', 'Trash'].includes(name));

test('CREATE makes missing parents; a delimiter at the end says nothing', async () => {
  const { accountId } = await fresh();
  const made = await reader.createMailbox(accountId, 'work/2026/invoices/', '\\Archive');
  assert.equal(made.name, 'work/2026/invoices');
  assert.deepEqual(
    [made.specialUse, made.subscribed, made.uidNext, made.messages],
    ['\\Archive', false, 1, 0],
  );
  assert.equal((await reader.findMailbox(accountId, 'work'))?.specialUse, null);
  await reader.createMailbox(accountId, 'inbox/lists');
  assert.deepEqual(await names(accountId), [
    'INBOX',
    'INBOX/lists',
    'work',
    'work/2026',
    'work/2026/invoices',
  ]);
  await assert.rejects(reader.createMailbox(accountId, 'work/2026'), refused('already-exists'));
  await assert.rejects(reader.createMailbox(accountId, 'inbox'), refused('already-exists'));
});

test('names that no mailbox can have are refused', async () => {
  const { accountId } = await fresh();
  const bad = [
    '',
    '/',
    '/a',
    'a//b',
    'a\0b',
    'a\r\nb',
    'a*',
    '%',
    'a\u0085',
    '\ud800',
    'ü'.repeat(128),
    'a/'.repeat(33) + 'a',
  ];
  for (const name of bad)
    await assert.rejects(reader.createMailbox(accountId, name), refused('bad-name'), JSON.stringify(name));
  const long = 'ü'.repeat(127);
  assert.equal((await reader.createMailbox(accountId, long)).name, long);
  await assert.rejects(
    reader.append(account(Number(accountId)), 'a//b', [appended('x')]),
    refused('no-such-mailbox'),
  );
});

test('DELETE refuses INBOX and what has inferiors', async () => {
  const { accountId } = await fresh();
  await reader.createMailbox(accountId, 'a/b');
  await reader.createMailbox(accountId, 'a-c');
  await assert.rejects(reader.deleteMailbox(accountId, 'a'), refused('has-children'));
  await assert.rejects(reader.deleteMailbox(accountId, 'iNbOx'), refused('cannot-delete-inbox'));
  await assert.rejects(reader.deleteMailbox(accountId, 'b'), refused('no-such-mailbox'));
  await reader.deleteMailbox(accountId, 'a/b');
  await reader.deleteMailbox(accountId, 'a');
  assert.deepEqual(await names(accountId), ['INBOX', 'a-c']);
});

test('a session in a deleted mailbox is told that it is gone, and can write no more', async () => {
  const me = await fresh();
  const { accountId } = me;
  const { mailboxId } = await reader.createMailbox(accountId, 'a');
  const { modseq } = await reader.append(me, 'a', [appended('x')]);
  await reader.deleteMailbox(accountId, 'a');
  assert.equal((await reader.changesSince(accountId, mailboxId, modseq)).gone, true);
  await assert.rejects(
    reader.storeFlags(accountId, mailboxId, [1], 'add', FLAG.seen, []),
    refused('no-such-mailbox'),
  );
  await assert.rejects(reader.expunge(accountId, mailboxId), refused('no-such-mailbox'));
  await assert.rejects(reader.copy(me, mailboxId, [1], 'INBOX'), refused('no-such-message'));
  await assert.rejects(reader.snapshot(accountId, mailboxId, true), refused('no-such-mailbox'));
});

test('UIDVALIDITY of a name only rises: deleted and made anew, renamed away and back', async () => {
  const { accountId } = await fresh();
  const validity = async (name: string) => (await reader.findMailbox(accountId, name))!.uidValidity;
  await reader.createMailbox(accountId, 'old');
  await reader.createMailbox(accountId, 'a');
  const first = await validity('a');
  await reader.deleteMailbox(accountId, 'a');
  await reader.createMailbox(accountId, 'a');
  const second = await validity('a');
  assert.ok(second > first);
  await reader.renameMailbox(accountId, 'a', 'b');
  assert.equal(await validity('b'), second, 'a new name has no past');
  await reader.renameMailbox(accountId, 'old', 'a');
  const third = await validity('a');
  assert.ok(third > second, 'older than what the name had, so it gets a new one');
  await reader.deleteMailbox(accountId, 'b');
  await reader.renameMailbox(accountId, 'a', 'b');
  assert.equal(await validity('b'), third);
  await reader.renameMailbox(accountId, 'b', 'a');
  assert.ok((await validity('a')) > third, 'back under a name it had itself');
});

test('RENAME takes the inferiors along and makes the parents of the new name', async () => {
  const me = await fresh();
  const { accountId } = me;
  await reader.createMailbox(accountId, 'a/b/c');
  await reader.createMailbox(accountId, 'a0');
  await reader.createMailbox(accountId, 'ab');
  await reader.append(me, 'a/b', [appended('kept')]);
  const before = (await reader.findMailbox(accountId, 'a/b'))!;
  await reader.renameMailbox(accountId, 'a', 'x/y');
  assert.deepEqual(await names(accountId), ['INBOX', 'a0', 'ab', 'x', 'x/y', 'x/y/b', 'x/y/b/c']);
  const moved = (await reader.findMailbox(accountId, 'x/y/b'))!;
  assert.deepEqual(
    [moved.mailboxId, moved.uidValidity, moved.messages],
    [before.mailboxId, before.uidValidity, 1],
  );
  await assert.rejects(reader.renameMailbox(accountId, 'x', 'x/y/z'), refused('bad-name'));
  await assert.rejects(reader.renameMailbox(accountId, 'x/y', 'ab'), refused('already-exists'));
  await assert.rejects(reader.renameMailbox(accountId, 'ab', 'inbox'), refused('already-exists'));
  await assert.rejects(reader.renameMailbox(accountId, 'none', 'n'), refused('no-such-mailbox'));
  await assert.rejects(reader.renameMailbox(accountId, 'x', 'l'.repeat(252)), refused('bad-name'));
  await reader.renameMailbox(accountId, 'x/y/b', 'x/y/bb');
  assert.ok(await reader.findMailbox(accountId, 'x/y/bb/c'));
});

test('RENAME of INBOX moves its messages and leaves it, and its inferiors, where they are', async () => {
  const me = await fresh();
  const { accountId } = me;
  await reader.createMailbox(accountId, 'INBOX/child');
  await reader.append(me, 'INBOX', [appended('a', { keywords: ['k'] }), appended('b', { flags: FLAG.seen })]);
  const { modseq } = await reader.snapshot(accountId, 1, true);
  await reader.renameMailbox(accountId, 'inbox', 'old/mail');
  assert.deepEqual(await names(accountId), ['INBOX', 'INBOX/child', 'old', 'old/mail']);
  const moved = await reader.snapshot(
    accountId,
    (await reader.findMailbox(accountId, 'old/mail'))!.mailboxId,
    false,
  );
  assert.deepEqual(
    [moved.uids, moved.flags, moved.keywords],
    [
      [1, 2],
      [0, FLAG.seen],
      [['k'], undefined],
    ],
  );
  assert.equal(moved.info.uidNext, 3);
  const inbox = await reader.changesSince(accountId, 1, modseq);
  assert.deepEqual([inbox.expunged, inbox.gone], [[1, 2], false]);
  assert.equal((await reader.append(me, 'INBOX', [appended('c')])).uids[0], 3);
  await reader.renameMailbox(accountId, 'INBOX', 'INBOX/below');
  assert.equal((await reader.findMailbox(accountId, 'INBOX/below'))?.messages, 1);
  await reader.renameMailbox(accountId, 'INBOX', 'empty');
  assert.equal((await reader.findMailbox(accountId, 'empty'))?.messages, 0);
});

test('subscriptions outlive their mailboxes', async () => {
  const { accountId } = await fresh();
  await reader.createMailbox(accountId, 'a');
  await reader.setSubscribed(accountId, 'a', true);
  assert.equal((await reader.findMailbox(accountId, 'a'))?.subscribed, true);
  const modseq = await reader.accountModseq(accountId);
  await reader.setSubscribed(accountId, 'a', true);
  assert.equal(await reader.accountModseq(accountId), modseq, 'nothing changed');
  await reader.deleteMailbox(accountId, 'a');
  assert.ok((await reader.listSubscriptions(accountId)).includes('a'));
  await reader.setSubscribed(accountId, 'a', false);
  await reader.setSubscribed(accountId, 'never was', true);
  const subscribed = await reader.listSubscriptions(accountId);
  assert.ok(!subscribed.includes('a') && subscribed.includes('never was'));
});

test('an account has at most 2,000 mailboxes', async () => {
  const { accountId } = await fresh();
  // The default six, the parent, and 31 levels at a time.
  const path = (i: number) => [`n${i}`, ...Array.from({ length: 30 }, (_, level) => `l${level}`)].join('/');
  for (let i = 0; i < 64; i++) await reader.createMailbox(accountId, path(i));
  assert.equal((await reader.listMailboxes(accountId)).length, 6 + 64 * 31);
  await assert.rejects(reader.createMailbox(accountId, path(64)), refused('too-many'));
  for (let i = 0; i < 10; i++) await reader.createMailbox(accountId, `last${i}`);
  await assert.rejects(reader.createMailbox(accountId, 'one more'), refused('too-many'));
});

test('two sessions that make, rename and delete the same names at once get one answer each', async () => {
  const { accountId } = await fresh();
  const tries = await Promise.allSettled([1, 2, 3, 4].map(() => reader.createMailbox(accountId, 'race/x')));
  assert.equal(tries.filter((each) => each.status === 'fulfilled').length, 1);
  assert.ok(tries.every((each) => each.status === 'fulfilled' || refused('already-exists')(each.reason)));
  const moves = await Promise.allSettled([
    reader.renameMailbox(accountId, 'race', 'one'),
    reader.renameMailbox(accountId, 'race', 'two'),
  ]);
  assert.equal(moves.filter((each) => each.status === 'fulfilled').length, 1);
  assert.equal((await names(accountId)).length, 3);
});
