/** COPY and MOVE, by number and by UID: RFC 3501 §6.4.7, RFC 6851, COPYUID of RFC 4315 §3. */
import { copyUidCode, okCode } from '@waybill/imap';
import type { CommandOf, Completion } from '../commands.ts';
import { Bad, No } from '../replies.ts';
import type { Indices } from '../selected-view.ts';
import type { Session } from '../session.ts';
import { requireWritable } from './expunge.ts';
import { toMailbox } from './append.ts';

export async function copy(session: Session, command: CommandOf<'COPY'>): Promise<Completion> {
  const { mailbox, uids } = await chosen(session, command);
  if (uids.length === 0) return nothingChosen(command);
  const { uidValidity, from, to } = await toMailbox(() =>
    session.around.store.copy(session.owner, mailbox.mailboxId, uids, command.mailbox),
  );
  if (from.length === 0) throw new No('The messages no longer exist', 'EXPUNGEISSUED');
  // The copies may be in the mailbox that is open here: no two mailboxes of an account share a UIDVALIDITY.
  if (uidValidity === mailbox.uidValidity) await session.catchUp(mailbox);
  return { code: copyUidCode(uidValidity, from, to), text: 'COPY done' };
}

export async function move(session: Session, command: CommandOf<'MOVE'>): Promise<Completion> {
  requireWritable(session);
  const { mailbox, uids } = await chosen(session, command);
  if (uids.length === 0) return nothingChosen(command);
  const { uidValidity, from, to } = await toMailbox(() =>
    session.around.store.move(session.owner, mailbox.mailboxId, uids, command.mailbox),
  );
  if (from.length === 0) throw new No('The messages no longer exist', 'EXPUNGEISSUED');
  await session.catchUp(mailbox);
  // RFC 6851 §4.3: COPYUID comes before the EXPUNGEs, in an untagged OK.
  session.output.text(okCode(null, copyUidCode(uidValidity, from, to), 'Moved'));
  return { text: 'MOVE done' };
}

async function chosen(session: Session, command: CommandOf<'COPY' | 'MOVE'>) {
  const indices = await indicesOf(session, command);
  const view = session.selected;
  return { mailbox: view.mailbox, uids: view.uidsOf(indices) };
}

/** The messages that a command names. @throws Bad for a message number that does not exist. */
export async function indicesOf(
  session: Session,
  command: CommandOf<'COPY' | 'MOVE' | 'FETCH' | 'STORE'>,
): Promise<Indices> {
  const view = session.selected;
  const { set } = command;
  if (!command.uid) {
    const indices = view.bySequence(set);
    if (indices === undefined) throw new Bad('There is no message with such a number');
    return indices;
  }
  // A UID beyond those known here may be of a message that another session has put in since.
  const last = view.lastKnownUid();
  if (set !== '$' && set.some(([, high]) => high > last)) {
    await view.mailbox.refresh();
    await session.tell(false);
  }
  return view.byUid(set);
}

/** RFC 3501 §6.4.8: a UID command whose UIDs do not exist is answered OK. */
function nothingChosen(command: CommandOf<'COPY' | 'MOVE'>): Completion {
  if (command.uid) return { text: 'No messages were named' };
  throw new Bad('There are no messages');
}
