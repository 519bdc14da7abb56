import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { MessageRow } from '@waybill/mailstore';
import { MemoryStore } from '../../test/memory-store.ts';
import { Columns } from './columns.ts';
import { OpenMailbox, type Written } from './mailbox-cache.ts';
import { SelectedView } from './selected-view.ts';

function row(uid: number, modseq = 1, flags = 0): MessageRow {
  return { uid, modseq, flags, keywords: [], emailId: `e${uid}`, size: 10, internalDate: 0 };
}

function written(modseq: number, rows: MessageRow[], removed: number[]): Written {
  return { modseq, changed: true, rows, removed };
}

/** A mailbox with these UIDs, at MODSEQ 10, and a client that knows it. */
function selected(...uids: number[]): { mailbox: OpenMailbox; view: SelectedView } {
  const columns = Columns.empty();
  for (const uid of uids) columns.append(row(uid));
  const mailbox = new OpenMailbox(new MemoryStore(), '1', 1, 1, columns, 10);
  return { mailbox, view: new SelectedView(mailbox, false, 1_000) };
}

suite('a selected view', () => {
  test('tells an EXPUNGE only where it may, highest number first, and counts by the old numbers until then', async () => {
    const { mailbox, view } = selected(2, 4, 6, 8);
    await mailbox.wrote(written(11, [], [4, 8]));
    assert.deepEqual(view.takeNews(false), { expunged: [], exists: undefined, recent: 0, changed: [] });
    assert.equal(view.uidAt(3), 8);
    assert.deepEqual(view.bySequence([[4, 4]]), [[3, 4]]);
    assert.deepEqual(view.takeNews(true).expunged, [4, 2]);
    assert.deepEqual(view.uidsOf(view.bySequence([[1, Infinity]])!), [2, 6]);
  });

  test('tells new messages while an EXPUNGE is held back, numbered behind what the client still counts', async () => {
    const { mailbox, view } = selected(1, 2, 3);
    await mailbox.wrote(written(11, [], [1]));
    await mailbox.wrote(written(12, [row(4, 12)], []));
    const news = view.takeNews(false);
    assert.equal(news.exists, 4);
    assert.equal(view.uidAt(3), 4);
    await mailbox.wrote(written(13, [], [4]));
    assert.deepEqual(view.takeNews(true), { expunged: [4, 1], exists: undefined, recent: 0, changed: [] });
    assert.equal(view.count, 2);
  });

  test('never tells two clients of one mailbox different numbers, whenever they hear of it', async () => {
    const { mailbox, view } = selected(1, 2, 3);
    const other = new SelectedView(mailbox, false, 1_000);
    await mailbox.wrote(written(11, [], [2]));
    assert.deepEqual(other.takeNews(true).expunged, [2]);
    await mailbox.wrote(written(12, [row(9, 12)], []));
    assert.equal(view.takeNews(false).exists, 4);
    assert.equal(other.takeNews(true).exists, 3);
    assert.deepEqual(view.takeNews(true).expunged, [2]);
    assert.deepEqual(view.uidsOf(view.byUid([[1, Infinity]])), [1, 3, 9]);
    assert.deepEqual(other.uidsOf(other.byUid([[1, Infinity]])), [1, 3, 9]);
  });

  test('tells changed flags once, to everybody but the client that made the change', async () => {
    const { mailbox, view } = selected(1, 2, 3);
    const other = new SelectedView(mailbox, false, 1_000);
    const rows = [row(2, 11, 1)];
    await mailbox.wrote(written(11, rows, []));
    view.knows(written(11, rows, []), true);
    assert.deepEqual(view.takeNews(false).changed, []);
    assert.deepEqual(other.takeNews(false).changed, [1]);
    assert.deepEqual(other.takeNews(false).changed, []);
  });

  test('tells a change that came after the client’s own, made while others wrote', async () => {
    const { mailbox, view } = selected(1, 2, 3);
    await mailbox.wrote(written(11, [row(1, 11, 4)], []));
    await mailbox.wrote(written(12, [row(2, 12, 1)], []));
    view.knows(written(12, [row(2, 12, 1)], []), true);
    await mailbox.wrote(written(13, [row(3, 13, 1)], []));
    assert.deepEqual(view.takeNews(false).changed, [0, 2]);
  });

  test('tells changed flags by the numbers that the client still counts by', async () => {
    const { mailbox, view } = selected(1, 2, 3);
    await mailbox.wrote(written(11, [], [1]));
    await mailbox.wrote(written(12, [row(3, 12, 1)], []));
    assert.deepEqual(view.takeNews(false).changed, [2]);
    assert.equal(view.current(2).columns.flags[view.current(2).at], 1);
  });

  test('reads sets: "*" is the last message, UIDs that are not there are passed over, numbers that are not there are an error', () => {
    const { view } = selected(10, 20, 30);
    assert.deepEqual(view.byUid([[500, Infinity]]), [[2, 3]]);
    assert.deepEqual(view.byUid([[11, 25]]), [[1, 2]]);
    assert.deepEqual(view.byUid([[40, 50]]), []);
    assert.deepEqual(
      view.bySequence([
        [Infinity, Infinity],
        [1, 2],
      ]),
      [[0, 3]],
    );
    assert.equal(view.bySequence([[1, 4]]), undefined);
    assert.deepEqual(selected().view.bySequence([[1, Infinity]]), []);
    assert.deepEqual(selected().view.byUid([[1, Infinity]]), []);
  });

  test('counts as \\Recent what this session was the first to see', async () => {
    const { mailbox } = selected(1, 2, 3);
    const view = new SelectedView(mailbox, false, 3);
    assert.equal(view.recentCount(), 1);
    await mailbox.wrote(written(11, [row(5, 11), row(6, 11)], []));
    view.addRecent(6, 6);
    assert.deepEqual(view.takeNews(true), { expunged: [], exists: 5, recent: 2, changed: [] });
    assert.deepEqual(
      [1, 3, 5, 6].map((uid) => view.isRecent(uid)),
      [false, true, false, true],
    );
  });
});
