/** CHECK, CLOSE and UNSELECT: RFC 3501 §6.4.1 and §6.4.2, RFC 3691. */
import type { Session } from '../session.ts';

/** Everything is on disk already. */
export function check(): void {}

/** Removes what is marked \Deleted, without a word of it, unless the mailbox is read-only. */
export async function close(session: Session): Promise<void> {
  const { mailbox, readOnly } = session.selected;
  if (!readOnly) {
    const { modseq, uids } = await session.around.store.expunge(mailbox.accountId, mailbox.mailboxId);
    if (uids.length > 0) await mailbox.wrote({ modseq, changed: true, rows: [], removed: uids });
  }
  session.unselect();
}

export function unselect(session: Session): void {
  session.unselect();
}
