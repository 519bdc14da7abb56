/** STATUS: RFC 3501 §6.3.10. */
import { mailboxStatusLine, type StatusItem } from '@waybill/imap';
import type { MailboxInfo } from '@waybill/mailstore';
import type { CommandOf } from '../commands.ts';
import { No } from '../replies.ts';
import type { Session } from '../session.ts';

export async function status(session: Session, command: CommandOf<'STATUS'>): Promise<void> {
  const { accountId } = session.owner;
  const info = await session.around.store.findMailbox(accountId, command.mailbox);
  if (info === undefined) throw new No('There is no such mailbox', 'NONEXISTENT');
  const values: [StatusItem, number][] = [];
  for (const item of command.items) values.push([item, await valueOf(session, info, item)]);
  session.output.text(mailboxStatusLine(info.name, values));
}

async function valueOf(session: Session, info: MailboxInfo, item: StatusItem): Promise<number> {
  switch (item) {
    case 'MESSAGES':
      return info.messages;
    case 'UIDNEXT':
      return info.uidNext;
    case 'UIDVALIDITY':
      return info.uidValidity;
    case 'UNSEEN':
      return info.unseen;
    case 'HIGHESTMODSEQ':
      return info.highestModseq;
    case 'RECENT':
      return info.recentFrom >= info.uidNext ? 0 : count(session, info, 'RECENT');
    case 'SIZE':
      return info.messages === 0 ? 0 : count(session, info, 'SIZE');
  }
}

/** What the mailbox's row does not say is counted over its messages, in the copy that a SELECT uses too. */
async function count(session: Session, info: MailboxInfo, item: 'RECENT' | 'SIZE'): Promise<number> {
  const { cache } = session.around;
  const mailbox = await cache.acquire(session.owner.accountId, info);
  try {
    const { columns } = mailbox;
    if (item === 'RECENT') return columns.length - columns.lowerBound(info.recentFrom);
    let size = 0;
    for (const octets of columns.sizes) size += octets;
    return size;
  } finally {
    cache.release(mailbox);
  }
}
