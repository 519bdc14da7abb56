import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { testDatabase } from '@waybill/lab';
import { openPool } from '@waybill/postgres';
import { deliverBatch } from '../src/deliver.ts';
import { FLAG, mailstoreSchema, openReaderStore } from '../src/index.ts';
import { account, appended, delivery, listeningSignal } from './mail.ts';

/**
 * The visibility gap: a reader that has seen MODSEQ n+1 while the writer of n has not committed yet
 * would miss n for ever. Writers of every kind work on one hot account, each on a connection of its
 * own, while readers follow the log: whatever each reader pieced together must be the mailbox.
 */

const WRITERS = 16;
const READERS = 4;
/** Transactions of all writers together; past this time they end earlier, but not before the least. */
const WRITES = 1600;
const LONGEST_MS = 4000;
const LEAST_WRITES = 400;

const db = await testDatabase([mailstoreSchema]);
const signal = listeningSignal();
const pools = Array.from({ length: WRITERS + READERS }, (_, i) =>
  openPool(db.urlAs(i % 2 === 0 ? 'mda' : 'mra'), { size: 1 }),
);
after(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await db[Symbol.asyncDispose]();
});

const me = account(1);
const mras = pools.filter((_, i) => i % 2 === 1);
const mdas = pools.filter((_, i) => i % 2 === 0);

test('readers that follow the log miss nothing that 16 writers do', async () => {
  const first = openReaderStore(mras[0]!, { signal });
  await first.openAccount(me);
  const stopAt = performance.now() + LONGEST_MS;
  let left = WRITES;
  let writing = true;

  const writer = async (index: number): Promise<void> => {
    const mda = index % 2 === 0 ? mdas[index / 2]! : undefined;
    const store = openReaderStore(mras[(index - 1) / 2] ?? mras[0]!, { signal });
    for (let i = index; left > 0 && (performance.now() < stopAt || left > WRITES - LEAST_WRITES); i++) {
      left--;
      if (mda !== undefined) {
        const items = Array.from({ length: 1 + (i % 3) }, () => delivery(me));
        const verdicts = await deliverBatch(mda, signal, items);
        assert.ok(verdicts.every((verdict) => verdict.status === 'stored'));
      } else if (i % 7 === 0) {
        await store.remove(me.accountId, 1, [i, i + 1]);
      } else if (i % 2 === 0) {
        await store.append(me, 'INBOX', [appended('x')]);
      } else {
        await store.storeFlags(
          me.accountId,
          1,
          [i * 3, i * 5, i * 7],
          i % 3 === 0 ? 'remove' : 'add',
          FLAG.seen,
          [],
        );
      }
    }
  };

  const follow = async (index: number): Promise<{ view: Map<number, string>; polls: number }> => {
    const store = openReaderStore(mras[WRITERS / 2 + Math.floor(index / 2)]!, { signal });
    const view = new Map<number, string>();
    let modseq = 0;
    let polls = 0;
    // One poll more after the last write has been answered.
    for (let last = false; !last; polls++) {
      last = !writing;
      const changes = await store.changesSince(me.accountId, 1, modseq);
      assert.ok(changes.complete);
      assert.ok(changes.modseq >= modseq, 'MODSEQ never goes back');
      for (const uid of changes.expunged) assert.ok(view.delete(uid), `${uid} was known before it went`);
      for (const row of changes.added) {
        assert.ok(!view.has(row.uid), `${row.uid} came once`);
        assert.ok(row.modseq > modseq && row.modseq <= changes.modseq);
        view.set(row.uid, `${row.flags} ${row.modseq} ${row.emailId}`);
      }
      for (const row of changes.changed) {
        assert.ok(view.has(row.uid), `${row.uid} was known before it changed`);
        view.set(row.uid, `${row.flags} ${row.modseq} ${row.emailId}`);
      }
      modseq = changes.modseq;
    }
    return { view, polls };
  };

  const readers = Array.from({ length: READERS }, (_, i) => follow(i));
  await Promise.all(Array.from({ length: WRITERS }, (_, i) => writer(i)));
  writing = false;
  const seen = await Promise.all(readers);

  const snap = await first.snapshot(me.accountId, 1, false);
  const truth = new Map(
    snap.uids.map((uid, i) => [uid, `${snap.flags[i]} ${snap.modseqs[i]} ${snap.emailIds[i]}`]),
  );
  assert.ok(snap.info.uidNext > 200, 'the writers got something done');
  for (const { view, polls } of seen) {
    assert.ok(polls > 10, 'the readers read while it was written');
    assert.deepEqual(
      [...view].sort(([a], [b]) => a - b),
      [...truth],
    );
  }
  const { rows } = await mdas[0]!.query(
    `select s.modseq - 1 as taken, (select count(distinct modseq) from mailstore.change where account_id = 1) as logged
       from mailstore.account_seq s where account_id = 1`,
  );
  assert.equal(rows[0].taken, rows[0].logged, 'no MODSEQ was left out');
});
