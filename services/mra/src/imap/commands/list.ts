/** LIST and LSUB: RFC 3501 §6.3.8 and §6.3.9, CHILDREN (RFC 3348), SPECIAL-USE (RFC 6154). */
import { delimiterLine, listLine, matchMailbox } from '@waybill/imap';
import type { MailboxInfo } from '@waybill/mailstore';
import type { CommandOf } from '../commands.ts';
import type { Session } from '../session.ts';

export async function list(session: Session, command: CommandOf<'LIST'>): Promise<void> {
  const pattern = command.reference + command.pattern;
  if (command.pattern === '') {
    session.output.text(delimiterLine('LIST'));
    return;
  }
  const mailboxes = await session.around.store.listMailboxes(session.owner.accountId);
  for (const entry of listed(mailboxes, pattern, command.specialUseOnly))
    session.output.text(listLine('LIST', entry.attributes, entry.name));
}

export async function lsub(session: Session, command: CommandOf<'LSUB'>): Promise<void> {
  const pattern = command.reference + command.pattern;
  if (command.pattern === '') {
    session.output.text(delimiterLine('LSUB'));
    return;
  }
  const names = await session.around.store.listSubscriptions(session.owner.accountId);
  for (const entry of subscribed(names, pattern))
    session.output.text(listLine('LSUB', entry.attributes, entry.name));
}

export interface Entry {
  readonly name: string;
  readonly attributes: readonly string[];
}

/** Pure: what LIST answers for this pattern, by name. */
export function listed(mailboxes: readonly MailboxInfo[], pattern: string, specialUseOnly: boolean): Entry[] {
  const byName = new Map<string, MailboxInfo | undefined>();
  const parents = new Set<string>();
  for (const mailbox of mailboxes) {
    byName.set(mailbox.name, mailbox);
    for (const parent of superiors(mailbox.name)) parents.add(parent);
  }
  // A superior that is no mailbox itself shows as a name that cannot be selected.
  for (const parent of parents) if (!byName.has(parent)) byName.set(parent, undefined);
  const entries: Entry[] = [];
  for (const name of [...byName.keys()].sort(byInboxFirst)) {
    const mailbox = byName.get(name);
    if (specialUseOnly && (mailbox?.specialUse ?? null) === null) continue;
    if (!matchMailbox(pattern, name)) continue;
    const attributes = mailbox === undefined ? ['\\Noselect'] : [];
    attributes.push(parents.has(name) ? '\\HasChildren' : '\\HasNoChildren');
    if (mailbox !== undefined && mailbox.specialUse !== null) attributes.push(mailbox.specialUse);
    entries.push({ name, attributes });
  }
  return entries;
}

/** Pure: what LSUB answers. A name with "%" that only has subscribed inferiors is \Noselect (RFC 3501 §6.3.9). */
export function subscribed(names: readonly string[], pattern: string): Entry[] {
  const entries = new Map<string, Entry>();
  for (const name of names) {
    if (matchMailbox(pattern, name)) entries.set(name, { name, attributes: [] });
    else if (pattern.endsWith('%')) {
      for (const parent of superiors(name)) {
        if (!entries.has(parent) && !names.includes(parent) && matchMailbox(pattern, parent))
          entries.set(parent, { name: parent, attributes: ['\\Noselect'] });
      }
    }
  }
  return [...entries.values()].sort((a, b) => byInboxFirst(a.name, b.name));
}

function superiors(name: string): string[] {
  const names: string[] = [];
  for (let at = name.indexOf('/'); at !== -1; at = name.indexOf('/', at + 1)) names.push(name.slice(0, at));
  return names;
}

function byInboxFirst(a: string, b: string): number {
  if (a === 'INBOX' || b === 'INBOX') return a === b ? 0 : a === 'INBOX' ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
