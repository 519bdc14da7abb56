/** CREATE, DELETE, RENAME, SUBSCRIBE and UNSUBSCRIBE: RFC 3501 §6.3.3 to §6.3.7, RFC 6154 §3. */
import type { MailboxInfo } from '@waybill/mailstore';
import type { CommandOf } from '../commands.ts';
import { No } from '../replies.ts';
import type { Session } from '../session.ts';

const SPECIAL_USES: ReadonlyMap<string, NonNullable<MailboxInfo['specialUse']>> = new Map([
  ['\\Drafts', '\\Drafts'],
  ['\\Sent', '\\Sent'],
  ['\\Trash', '\\Trash'],
  ['\\Junk', '\\Junk'],
  ['\\Archive', '\\Archive'],
]);

/** A delimiter at the end only says that inferiors will follow. RFC 3501 §6.3.3. */
function withoutTrailingDelimiter(name: string): string {
  return name.endsWith('/') ? name.slice(0, -1) : name;
}

export async function create(session: Session, command: CommandOf<'CREATE'>): Promise<void> {
  const name = withoutTrailingDelimiter(command.mailbox);
  let use: MailboxInfo['specialUse'] | undefined;
  if (command.specialUse !== null) {
    use = SPECIAL_USES.get(command.specialUse);
    // RFC 6154 §3.
    if (use === undefined) throw new No('A mailbox cannot have this special use here', 'USEATTR');
  }
  const { accountId } = session.owner;
  await (use === undefined
    ? session.around.store.createMailbox(accountId, name)
    : session.around.store.createMailbox(accountId, name, use));
}

export async function remove(session: Session, command: CommandOf<'DELETE'>): Promise<void> {
  const { store } = session.around;
  const { accountId } = session.owner;
  const view = session.view;
  const info = view === undefined ? undefined : await store.findMailbox(accountId, command.mailbox);
  await store.deleteMailbox(accountId, command.mailbox);
  // Who deletes the mailbox that it has selected goes back to the authenticated state.
  if (view !== undefined && info?.mailboxId === view.mailbox.mailboxId) session.unselect();
}

export async function rename(session: Session, command: CommandOf<'RENAME'>): Promise<void> {
  await session.around.store.renameMailbox(
    session.owner.accountId,
    command.from,
    withoutTrailingDelimiter(command.to),
  );
  // RFC 3501 §6.3.5: renaming INBOX moves its messages, perhaps out of the mailbox that is open here.
  if (session.view !== undefined) await session.catchUp(session.view.mailbox);
}

export async function subscribe(session: Session, command: CommandOf<'SUBSCRIBE'>): Promise<void> {
  await session.around.store.setSubscribed(session.owner.accountId, command.mailbox, true);
}

export async function unsubscribe(session: Session, command: CommandOf<'UNSUBSCRIBE'>): Promise<void> {
  await session.around.store.setSubscribed(session.owner.accountId, command.mailbox, false);
}
