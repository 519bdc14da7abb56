/**
 * FETCH, by number and by UID: RFC 3501 §6.4.5. Reads from the store in bounded batches and writes no faster
 * than the client takes it, so any number of bodies costs the memory of one batch.
 */
import { FLAG, type StoredMessage } from '@waybill/mailstore';
import type { CommandOf } from '../commands.ts';
import { planFetch, type Plan } from '../fetch/plan.ts';
import { MessageWriter, writeMessage } from '../fetch/write-message.ts';
import { No } from '../replies.ts';
import type { Indices } from '../selected-view.ts';
import type { Session } from '../session.ts';
import { indicesOf } from './copy.ts';

/** Messages whose summaries are read at once. */
const SUMMARIES = 500;
/** Messages and octets that are read at once; a larger message comes alone. */
const MESSAGES = 8;
const OCTETS = 2_097_152;

export async function fetch(session: Session, command: CommandOf<'FETCH'>): Promise<void> {
  const plan = planFetch(command.items, command.uid);
  // Octets of a message never change; everything else is told as it is now.
  if (plan.flags || !plan.message) {
    await session.selected.mailbox.refresh();
    await session.tell(false);
  }
  const indices = await indicesOf(session, command);
  const complete = plan.message
    ? await fetchMessages(session, plan, indices)
    : plan.summary
      ? await fetchSummaries(session, plan, indices)
      : await fetchColumns(session, plan, indices);
  if (!complete) throw new No('Some of the messages no longer exist', 'EXPUNGEISSUED');
}

async function fetchColumns(session: Session, plan: Plan, indices: Indices): Promise<boolean> {
  const { output } = session;
  for (const [from, to] of indices) {
    for (let index = from; index < to; index += 1) {
      writeMessage(session, plan, index);
      const room = output.room();
      if (room !== undefined) await room;
    }
  }
  return true;
}

async function fetchSummaries(session: Session, plan: Plan, indices: Indices): Promise<boolean> {
  const { columns, mailbox } = session.selected;
  let complete = true;
  for (const batch of batches(indices, SUMMARIES, () => 0, 0)) {
    const ids = batch.map((index) => columns.emailIds[index]!);
    const summaries = await session.around.summaries.of(mailbox.accountId, mailbox.summaries, ids);
    for (const [at, index] of batch.entries()) {
      const summary = summaries[at];
      if (summary === undefined) {
        complete = false;
        continue;
      }
      writeMessage(session, plan, index, { summary, message: undefined });
      const room = session.output.room();
      if (room !== undefined) await room;
    }
  }
  return complete;
}

async function fetchMessages(session: Session, plan: Plan, indices: Indices): Promise<boolean> {
  const { columns } = session.selected;
  const marks = plan.marksSeen && !session.selected.readOnly;
  let complete = true;
  for (const batch of batches(indices, MESSAGES, (index) => columns.sizes[index]!, OCTETS)) {
    const [messages, marked] = await Promise.all([
      readMessages(session, batch, plan.pieces),
      marks ? markSeen(session, batch) : undefined,
    ]);
    for (const [at, index] of batch.entries()) {
      const message = messages[at];
      if (message === undefined) {
        complete = false;
        continue;
      }
      const uid = columns.uids[index]!;
      const writer = new MessageWriter(session, index, { summary: undefined, message });
      for (const item of plan.items) {
        writer.item(item);
        const room = session.output.room();
        if (room !== undefined) await room;
      }
      writer.end(!plan.flags && (marked?.has(uid) ?? false));
      if (plan.text) session.noteRead(uid, message);
    }
  }
  return complete;
}

function readMessages(
  session: Session,
  batch: readonly number[],
  pieces: boolean,
): Promise<(StoredMessage | undefined)[]> {
  const { columns, mailbox } = session.selected;
  const from = pieces ? session.around.largeMessages : session.around.store;
  return Promise.all(batch.map((index) => from.message(mailbox.accountId, columns.emailIds[index]!)));
}

/** Sets \Seen where it is not set; the UIDs that changed by it. */
async function markSeen(session: Session, batch: readonly number[]): Promise<ReadonlySet<number>> {
  const view = session.selected;
  const uids: number[] = [];
  for (const index of batch) {
    const { columns, at } = view.current(index);
    if ((columns.flags[at]! & FLAG.seen) === 0) uids.push(columns.uids[at]!);
  }
  if (uids.length === 0) return new Set();
  const { mailbox } = view;
  const written = await session.around.store.storeFlags(
    mailbox.accountId,
    mailbox.mailboxId,
    uids,
    'add',
    FLAG.seen,
    [],
  );
  await mailbox.wrote({ ...written, removed: [] });
  view.knows(written, true);
  return new Set(written.rows.map(({ uid }) => uid));
}

/** Indices in groups of at most `count`, and of at most `octets` together where there is more than one. */
function* batches(
  indices: Indices,
  count: number,
  sizeOf: (index: number) => number,
  octets: number,
): Generator<number[]> {
  let batch: number[] = [];
  let size = 0;
  for (const [from, to] of indices) {
    for (let index = from; index < to; index += 1) {
      const more = sizeOf(index);
      if (batch.length === count || (batch.length > 0 && size + more > octets)) {
        yield batch;
        batch = [];
        size = 0;
      }
      batch.push(index);
      size += more;
    }
  }
  if (batch.length > 0) yield batch;
}
