import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { plain } from '../../test/bed.ts';
import { MemoryStore } from '../../test/memory-store.ts';
import { MailboxCache, type OpenMailbox } from './mailbox-cache.ts';
import { Summaries } from './summaries.ts';

const PREFIX = Buffer.from('Return-Path: <>\r\n');

function deliver(store: MemoryStore, account = '1', name = 'INBOX'): Promise<number> {
  return store.deliver(account, name, PREFIX, Buffer.from(plain('hello')));
}

async function acquire(
  cache: MailboxCache,
  store: MemoryStore,
  account = '1',
  name = 'INBOX',
): Promise<OpenMailbox> {
  const info = await store.findMailbox(account, name);
  assert.ok(info);
  return cache.acquire(account, info);
}

function open(budget = 1_000_000): { store: MemoryStore; cache: MailboxCache } {
  const store = new MemoryStore();
  return { store, cache: new MailboxCache(store, new Summaries(store, 1_000_000), budget) };
}

suite('the mailbox cache', () => {
  test('reads a mailbox once for all its sessions, and once more only what changed', async () => {
    const { store, cache } = open();
    await deliver(store);
    const [one, two] = await Promise.all([acquire(cache, store), acquire(cache, store)]);
    assert.equal(one, two);
    assert.equal(store.calls.get('snapshot'), 1);
    await deliver(store);
    await acquire(cache, store);
    assert.deepEqual(one.columns.uids, [1, 2]);
    assert.equal(store.calls.get('snapshot'), 1);
  });

  test('answers a refresh with everything that was committed before it was asked for', async () => {
    const { store, cache } = open();
    const mailbox = await acquire(cache, store);
    const first = mailbox.refresh();
    await deliver(store);
    const second = mailbox.refresh();
    const third = mailbox.refresh();
    await Promise.all([first, second, third]);
    assert.deepEqual(mailbox.columns.uids, [1]);
    assert.ok((store.calls.get('accountModseq') ?? 0) <= 2);
  });

  test('does not ask the change log when the account has not moved', async () => {
    const { store, cache } = open();
    const mailbox = await acquire(cache, store);
    await mailbox.refresh();
    assert.equal(store.calls.get('changesSince'), undefined);
  });

  test('takes a new snapshot when the change log no longer reaches back', async () => {
    const { store, cache } = open();
    await deliver(store);
    await deliver(store);
    const mailbox = await acquire(cache, store);
    await store.storeFlags('1', mailbox.mailboxId, [1], 'add', 8, []);
    await store.expunge('1', mailbox.mailboxId);
    await deliver(store);
    store.horizon = 1_000;
    await mailbox.refresh();
    assert.deepEqual(mailbox.columns.uids, [2, 3]);
  });

  test('applies the outcome of a write as it is, unless something came between', async () => {
    const { store, cache } = open();
    await deliver(store);
    const mailbox = await acquire(cache, store);
    const own = await store.storeFlags('1', mailbox.mailboxId, [1], 'add', 1, []);
    await mailbox.wrote({ ...own, removed: [] });
    assert.equal(store.calls.get('changesSince'), undefined);
    await deliver(store);
    const late = await store.storeFlags('1', mailbox.mailboxId, [1], 'add', 4, []);
    await mailbox.wrote({ ...late, removed: [] });
    assert.deepEqual(mailbox.columns.uids, [1, 2]);
    assert.deepEqual(mailbox.columns.flags, [5, 0]);
  });

  test('does not take another’s change for its own when its write changed nothing', async () => {
    const { store, cache } = open();
    await deliver(store);
    const mailbox = await acquire(cache, store);
    await deliver(store);
    const idle = await store.storeFlags('1', mailbox.mailboxId, [1], 'remove', 1, []);
    await mailbox.wrote({ ...idle, removed: [] });
    assert.deepEqual(mailbox.columns.uids, [1, 2]);
  });

  test('goes on after the store was away', async () => {
    const { store, cache } = open();
    const mailbox = await acquire(cache, store);
    store.fail = new Error('Connection terminated unexpectedly');
    await assert.rejects(mailbox.refresh());
    store.fail = undefined;
    await deliver(store);
    await mailbox.refresh();
    assert.deepEqual(mailbox.columns.uids, [1]);
  });

  test('never shows an account what another has, also under the same mailbox id', async () => {
    const { store, cache } = open();
    await deliver(store, '1');
    const mine = await acquire(cache, store, '1');
    const other = await acquire(cache, store, '2');
    assert.equal(mine.mailboxId, other.mailboxId);
    assert.deepEqual([mine.columns.length, other.columns.length], [1, 0]);
  });

  test('does not show a deleted mailbox’s messages under its name made new', async () => {
    const { store, cache } = open();
    await store.createMailbox('1', 'Box');
    await deliver(store, '1', 'Box');
    const old = await acquire(cache, store, '1', 'Box');
    await store.deleteMailbox('1', 'Box');
    await store.createMailbox('1', 'Box');
    const fresh = await acquire(cache, store, '1', 'Box');
    assert.equal(fresh.columns.length, 0);
    await old.refresh();
    assert.equal(old.gone, true);
  });

  test('forgets unused mailboxes beyond its budget, and never those in use', async () => {
    const { store, cache } = open(0);
    const used = await acquire(cache, store, '1', 'INBOX');
    cache.release(await acquire(cache, store, '1', 'Sent'));
    assert.equal(cache.size, 1);
    cache.release(used);
    assert.equal(cache.size, 0);
  });

  test('keeps what was used last, and counts a mailbox once however often it is left', async () => {
    const { store, cache } = open(2_500);
    const inbox = await acquire(cache, store, '1', 'INBOX');
    const again = await acquire(cache, store, '1', 'INBOX');
    cache.release(inbox);
    cache.release(again);
    for (let n = 0; n < 5; n += 1) cache.release(await acquire(cache, store, '1', 'Sent'));
    assert.equal(cache.size, 2);
    cache.release(await acquire(cache, store, '1', 'INBOX'));
    cache.release(await acquire(cache, store, '1', 'Drafts'));
    assert.equal(cache.size, 2);
    const before = store.calls.get('snapshot');
    await acquire(cache, store, '1', 'INBOX');
    assert.equal(store.calls.get('snapshot'), before);
  });
});
