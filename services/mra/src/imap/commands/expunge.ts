/** EXPUNGE and UID EXPUNGE: RFC 3501 §6.4.3, RFC 4315 §2.1. What went is told by the loop around every command. */
import type { CommandOf } from '../commands.ts';
import { No } from '../replies.ts';
import type { Session } from '../session.ts';

export function expunge(session: Session): Promise<void> {
  return remove(session, undefined);
}

export async function uidExpunge(session: Session, command: CommandOf<'UID EXPUNGE'>): Promise<void> {
  const view = session.selected;
  const uids = view.uidsOf(view.byUid(command.set));
  if (uids.length === 0) requireWritable(session);
  else await remove(session, uids);
}

async function remove(session: Session, only: readonly number[] | undefined): Promise<void> {
  requireWritable(session);
  const { mailbox } = session.selected;
  const { modseq, uids } = await session.around.store.expunge(mailbox.accountId, mailbox.mailboxId, only);
  if (uids.length === 0) return;
  await mailbox.wrote({ modseq, changed: true, rows: [], removed: uids });
}

/** For commands that change the selected mailbox: EXAMINE opened it for reading. RFC 3501 §6.3.2. */
export function requireWritable(session: Session): void {
  if (session.selected.readOnly) throw new No('The mailbox is open for reading only', 'READ-ONLY');
}
