/** SELECT and EXAMINE: RFC 3501 §6.3.1 and §6.3.2. */
import { existsLine, flagsLine, okCode, permanentFlagsCode, recentLine } from '@waybill/imap';
import { FLAG } from '@waybill/mailstore';
import type { CommandOf, Completion } from '../commands.ts';
import type { Columns } from '../columns.ts';
import { No } from '../replies.ts';
import { SelectedView } from '../selected-view.ts';
import type { Session } from '../session.ts';

export function select(session: Session, command: CommandOf<'SELECT'>): Promise<Completion> {
  return open(session, command.mailbox, false);
}

export function examine(session: Session, command: CommandOf<'EXAMINE'>): Promise<Completion> {
  return open(session, command.mailbox, true);
}

async function open(session: Session, name: string, readOnly: boolean): Promise<Completion> {
  const { store, cache } = session.around;
  const { accountId } = session.owner;
  // RFC 3501 §6.3.1: the old mailbox is closed also when the new one cannot be opened.
  session.unselect();
  const info = await store.findMailbox(accountId, name);
  if (info === undefined) throw new No('There is no such mailbox', 'NONEXISTENT');
  const mailbox = await cache.acquire(accountId, info);
  try {
    const claims = !readOnly && info.recentFrom <= mailbox.columns.lastUid();
    const recentFrom = claims ? await store.claimRecent(accountId, info.mailboxId) : info.recentFrom;
    if (session.ended) {
      cache.release(mailbox);
      return {};
    }
    session.select(new SelectedView(mailbox, readOnly, recentFrom), info.name);
  } catch (error) {
    cache.release(mailbox);
    throw error;
  }
  describe(session);
  return { code: readOnly ? 'READ-ONLY' : 'READ-WRITE', text: readOnly ? 'EXAMINE done' : 'SELECT done' };
}

function describe(session: Session): void {
  const view = session.selected;
  const { output } = session;
  const { mailbox, columns, count } = view;
  const keywords = keywordsOf(columns, count);
  output.text(flagsLine(keywords));
  output.text(existsLine(count));
  output.text(recentLine(view.recentCount()));
  const unseen = firstUnseen(columns, count);
  if (unseen !== 0) output.text(okCode(null, `UNSEEN ${unseen}`, 'The first message not seen'));
  output.text(okCode(null, permanentFlagsCode(view.readOnly, keywords, true), 'Flags that are kept'));
  output.text(okCode(null, `UIDVALIDITY ${mailbox.uidValidity}`, 'UIDs are valid'));
  output.text(okCode(null, `UIDNEXT ${view.uidNext}`, 'The next UID'));
  output.text(okCode(null, `HIGHESTMODSEQ ${mailbox.modseq}`, 'The newest change'));
}

function firstUnseen(columns: Columns, count: number): number {
  const { flags } = columns;
  for (let at = 0; at < count; at += 1) if ((flags[at]! & FLAG.seen) === 0) return at + 1;
  return 0;
}

function keywordsOf(columns: Columns, count: number): string[] {
  const found = new Set<string>();
  const { keywords } = columns;
  for (let at = 0; at < count; at += 1) {
    const words = keywords[at];
    if (words !== undefined) for (const word of words) found.add(word);
  }
  return [...found];
}
