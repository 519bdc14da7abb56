/** APPEND: RFC 3501 §6.3.11, APPENDUID of RFC 4315 §3. The OK is said after the store's commit. */
import { appendUidCode } from '@waybill/imap';
import { StoreRefusal } from '@waybill/mailstore';
import { degradedSummary, encodeSummary, summarise, type Summary } from '@waybill/message';
import type { CommandOf, Completion } from '../commands.ts';
import { No } from '../replies.ts';
import type { Session } from '../session.ts';

export async function append(session: Session, command: CommandOf<'APPEND'>): Promise<Completion> {
  const { message, flags, internalDate } = command;
  if (message.length === 0) throw new No('A message has at least one octet');
  const summary = index(session, message);
  const { uidValidity, uids } = await toMailbox(() =>
    session.around.store.append(session.owner, command.mailbox, [
      {
        flags: flags.system,
        keywords: flags.keywords,
        internalDate: internalDate === null ? null : new Date(internalDate),
        body: message,
        summary: encodeSummary(summary),
        sentAt: summary.sentAt === null ? null : new Date(summary.sentAt),
      },
    ]),
  );
  // RFC 3501 §6.3.11: a message that came into the selected mailbox is told at once.
  if (session.view !== undefined) await session.catchUp(session.view.mailbox);
  return { code: appendUidCode(uidValidity, uids), text: 'APPEND done' };
}

/** A message that defeats the indexer is kept all the same, as one opaque part. */
function index(session: Session, message: Buffer): Summary {
  try {
    return summarise(message);
  } catch (error) {
    session.around.events.bug(session.facts, 'indexing an appended message', error);
    return degradedSummary(message);
  }
}

/** For commands that put messages somewhere: a missing mailbox might be created. RFC 3501 §7.1 TRYCREATE. */
export async function toMailbox<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreRefusal && error.reason === 'no-such-mailbox')
      throw new No('There is no such mailbox', 'TRYCREATE');
    throw error;
  }
}
