/** SEARCH, by number and by UID: RFC 3501 §6.4.4. */
import { isKnownCharset, type NumberSet, resolveNumberSet, SEARCH_CHARSETS, searchLine } from '@waybill/imap';
import type { CommandOf } from '../commands.ts';
import { Bad, No } from '../replies.ts';
import { Candidate, compile, type Sets, type Test } from '../search/evaluate.ts';
import type { SelectedView } from '../selected-view.ts';
import type { Session } from '../session.ts';

/** Messages whose summaries are read at once. */
const SUMMARIES = 500;
/** Messages whose octets are read at once, and how many octets. */
const MESSAGES = 8;
const OCTETS = 4_194_304;
/** Messages that are judged before other sessions get their turn. */
const TURN = 500;

export async function search(session: Session, command: CommandOf<'SEARCH'>): Promise<void> {
  if (command.charset !== null && !isKnownCharset(command.charset))
    throw new No('This charset is not known', `BADCHARSET (${SEARCH_CHARSETS.join(' ')})`);
  const view = session.selected;
  const test = compile(command.criteria, setsOf(view));
  const found: number[] = [];
  let inQuestion: Candidate[] = [];
  const take = (candidate: Candidate): void => {
    found.push(command.uid ? candidate.columns.uids[candidate.at]! : candidate.sequence);
  };
  for (let index = 0; index < view.count; index += 1) {
    const { columns, at } = view.current(index);
    const candidate = new Candidate(columns, at, index + 1, view.isRecent(columns.uids[at]!));
    const verdict = test(candidate);
    if (verdict === true) take(candidate);
    else if (verdict === undefined) inQuestion.push(candidate);
    if (index % TURN === TURN - 1) await turn();
  }
  inQuestion = await bySummary(session, inQuestion, test, take);
  await byMessage(session, inQuestion, test, take);
  found.sort((a, b) => a - b);
  session.output.text(searchLine(found));
}

async function bySummary(
  session: Session,
  candidates: readonly Candidate[],
  test: Test,
  take: (candidate: Candidate) => void,
): Promise<Candidate[]> {
  const { mailbox } = session.selected;
  const left: Candidate[] = [];
  for (let from = 0; from < candidates.length; from += SUMMARIES) {
    const batch = candidates.slice(from, from + SUMMARIES);
    const summaries = await session.around.summaries.of(
      mailbox.accountId,
      mailbox.summaries,
      batch.map(({ columns, at }) => columns.emailIds[at]!),
    );
    for (const [place, candidate] of batch.entries()) {
      candidate.summaryOctets = summaries[place];
      if (candidate.summaryOctets === undefined) continue;
      const verdict = test(candidate);
      if (verdict === true) take(candidate);
      else if (verdict === undefined) left.push(unread(candidate));
    }
    if (session.ended) return [];
    await turn();
  }
  return left;
}

/** The candidate without what was decoded for it: many may wait. */
function unread({ columns, at, sequence, recent }: Candidate): Candidate {
  return new Candidate(columns, at, sequence, recent);
}

async function byMessage(
  session: Session,
  candidates: readonly Candidate[],
  test: Test,
  take: (candidate: Candidate) => void,
): Promise<void> {
  const { store } = session.around;
  const { accountId } = session.selected.mailbox;
  let from = 0;
  while (from < candidates.length && !session.ended) {
    let to = from;
    let octets = 0;
    while (to < candidates.length && to - from < MESSAGES && (to === from || octets < OCTETS)) {
      const { columns, at } = candidates[to]!;
      octets += columns.sizes[at]!;
      to += 1;
    }
    const batch = candidates.slice(from, to);
    from = to;
    const messages = await Promise.all(
      batch.map(({ columns, at }) => store.message(accountId, columns.emailIds[at]!)),
    );
    for (const [place, candidate] of batch.entries()) {
      candidate.message = messages[place];
      if (candidate.message !== undefined && test(candidate) === true) take(candidate);
      candidate.message = undefined;
      await turn();
    }
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function setsOf(view: SelectedView): Sets {
  return {
    sequence: (set) => {
      const indices = view.bySequence(set);
      if (indices === undefined) throw new Bad('There is no message with such a number');
      return memberOf(indices.map(([from, to]) => [from + 1, to] as const));
    },
    uid: (set: NumberSet) => memberOf(resolveNumberSet(set, view.lastKnownUid())),
  };
}

/** Ranges are ascending and disjoint, so one binary search answers. */
function memberOf(ranges: readonly (readonly [number, number])[]): (value: number) => boolean {
  return (value) => {
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ranges[middle]![1] < value) low = middle + 1;
      else high = middle;
    }
    const range = ranges[low];
    return range !== undefined && range[0] <= value;
  };
}
