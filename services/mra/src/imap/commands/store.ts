/** STORE, by number and by UID: RFC 3501 §6.4.6. */
import type { CommandOf } from '../commands.ts';
import { No } from '../replies.ts';
import type { Session } from '../session.ts';
import { indicesOf } from './copy.ts';
import { requireWritable } from './expunge.ts';

export async function store(session: Session, command: CommandOf<'STORE'>): Promise<void> {
  requireWritable(session);
  const view = session.selected;
  const uids = view.uidsOf(await indicesOf(session, command));
  if (uids.length === 0) return;
  const { mailbox } = view;
  const { system, keywords } = command.flags;
  const written = await session.around.store.storeFlags(
    mailbox.accountId,
    mailbox.mailboxId,
    uids,
    command.mode,
    system,
    keywords,
  );
  const { rows } = written;
  await mailbox.wrote({ ...written, removed: [] });
  view.knows(written, !command.silent);
  if (!command.silent) {
    for (const row of rows) {
      const index = view.indexOf(row.uid);
      if (index === -1) continue;
      session.writeFlags(index, command.uid);
      const room = session.output.room();
      if (room !== undefined) await room;
    }
  }
  // RFC 3501 §6.4.8: UIDs that are not there are passed over.
  if (rows.length === 0 && !command.uid) throw new No('The messages no longer exist', 'EXPUNGEISSUED');
}
