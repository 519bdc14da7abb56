/** COPY and MOVE, by number and by UID: RFC 3501 §6.4.7, RFC 6851, COPYUID of RFC 4315 §3. */
import { copyUidCode, okCode } from '@waybill/imap';
import type { CommandOf, Completion } from '../commands.ts';
import { Bad, No } from '../replies.ts';
import type { Indices } from '../selected-view.ts';
import type { Session } from '../session.ts';
import { requireWritable } from './expunge.ts';
import { toMailbox } from './append.ts';

export async function copy(session: Session, command: CommandOf<'COPY'>): Promise<Completion> {
  const { mailbox, uids } = chosen(session, command);
  if (uids.length === 0) return nothingChosen(command);
  const { uidValidity, from, to } = await toMailbox(() =>
    session.around.store.copy(session.owner, mailbox.mailboxId, uids, command.mailbox),
  );
  if (from.length === 0) throw new No('The messages no longer exist', 'EXPUNGEISSUED');
  return { code: copyUidCode(uidValidity, from, to), text: 'COPY done' };
}

export async function move(session: Session, command: CommandOf<'MOVE'>): Promise<Completion> {
  requireWritable(session);
  const { mailbox, uids } = chosen(session, command);
  if (uids.length === 0) return nothingChosen(command);
  const { uidValidity, from, to } = await toMailbox(() =>
    session.around.store.move(session.owner, mailbox.mailboxId, uids, command.mailbox),
  );
  if (from.length === 0) throw new No('The messages no longer exist', 'EXPUNGEISSUED');
  await mailbox.refresh();
  // RFC 6851 §4.3: COPYUID comes before the EXPUNGEs, in an untagged OK.
  session.output.text(okCode(null, copyUidCode(uidValidity, from, to), 'Moved'));
  return { text: 'MOVE done' };
}

function chosen(session: Session, command: CommandOf<'COPY' | 'MOVE'>) {
  const view = session.selected;
  return { mailbox: view.mailbox, uids: view.uidsOf(indicesOf(session, command)) };
}

/** The messages that a command names. @throws Bad for a message number that does not exist. */
export function indicesOf(
  session: Session,
  command: CommandOf<'COPY' | 'MOVE' | 'FETCH' | 'STORE'>,
): Indices {
  const view = session.selected;
  const indices = command.uid ? view.byUid(command.set) : view.bySequence(command.set);
  if (indices === undefined) throw new Bad('There is no message with such a number');
  return indices;
}

/** RFC 3501 §6.4.8: a UID command whose UIDs do not exist is answered OK. */
function nothingChosen(command: CommandOf<'COPY' | 'MOVE'>): Completion {
  if (command.uid) return { text: 'No messages were named' };
  throw new Bad('There are no messages');
}
