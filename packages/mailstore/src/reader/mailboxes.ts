import type pg from 'pg';
import { type AccountRef, type MailboxInfo, StoreRefusal } from '../contract.ts';
import { parentsOf, requireName, storedName } from './names.ts';

/** The account's row, its mailboxes and its subscriptions. */

export interface InfoRow {
  readonly mailbox_id: number;
  readonly name: string;
  readonly special_use: MailboxInfo['specialUse'];
  readonly subscribed: boolean;
  readonly uidvalidity: string;
  readonly uidnext: string;
  readonly highestmodseq: string;
  readonly recent_from: string;
  readonly messages: number;
  readonly unseen: number;
}

export function mailboxInfo(row: InfoRow): MailboxInfo {
  return {
    mailboxId: row.mailbox_id,
    name: row.name,
    specialUse: row.special_use,
    subscribed: row.subscribed,
    uidValidity: Number(row.uidvalidity),
    uidNext: Number(row.uidnext),
    highestModseq: Number(row.highestmodseq),
    recentFrom: Number(row.recent_from),
    messages: row.messages,
    unseen: row.unseen,
  };
}

const INFO = `select m.mailbox_id, m.name, m.special_use, m.uidvalidity, m.uidnext, m.highestmodseq, m.recent_from, m.messages, m.unseen,
    exists (select from mailstore.subscription u where u.account_id = m.account_id and u.name = m.name) as subscribed
  from mailstore.mailbox m where m.account_id = $1 and m.deleted_at is null`;

export async function openAccount(pool: pg.Pool, account: AccountRef): Promise<void> {
  const { rows } = await pool.query<{ living: boolean }>({
    name: 'mailstore.open_account',
    text: 'select mailstore.open_account($1, $2, $3) as living',
    values: [account.accountId, account.quotaBytes, account.quotaMessages],
  });
  if (rows[0]?.living !== true) throw new StoreRefusal('no-such-account');
}

export async function accountModseq(pool: pg.Pool, accountId: string): Promise<number> {
  const { rows } = await pool.query<{ modseq: string }>({
    name: 'mailstore.account_modseq',
    text: 'select modseq from mailstore.account_seq where account_id = $1',
    values: [accountId],
  });
  if (rows[0] === undefined) throw new StoreRefusal('no-such-account');
  return Number(rows[0].modseq);
}

export async function listMailboxes(pool: pg.Pool, accountId: string): Promise<MailboxInfo[]> {
  const { rows } = await pool.query<InfoRow>({
    name: 'mailstore.list_mailboxes',
    text: `${INFO} order by m.name`,
    values: [accountId],
  });
  return rows.map(mailboxInfo);
}

export async function findMailbox(
  pool: pg.Pool,
  accountId: string,
  given: string,
): Promise<MailboxInfo | undefined> {
  const name = storedName(given);
  if (name === undefined) return undefined;
  const { rows } = await pool.query<InfoRow>({
    name: 'mailstore.find_mailbox',
    text: `${INFO} and m.name = $2`,
    values: [accountId, name],
  });
  return rows[0] === undefined ? undefined : mailboxInfo(rows[0]);
}

export async function createMailbox(
  pool: pg.Pool,
  accountId: string,
  given: string,
  specialUse: MailboxInfo['specialUse'],
): Promise<MailboxInfo> {
  const name = requireName(given);
  await write(pool, 'create_mailbox', '$1, $2::text[], $3', [
    accountId,
    [...parentsOf(name), name],
    specialUse,
  ]);
  const made = await findMailbox(pool, accountId, name);
  if (made === undefined) throw new StoreRefusal('no-such-mailbox', 'deleted again at once');
  return made;
}

export async function deleteMailbox(pool: pg.Pool, accountId: string, given: string): Promise<void> {
  const name = storedName(given);
  if (name === undefined) throw new StoreRefusal('no-such-mailbox');
  await write(pool, 'delete_mailbox', '$1, $2', [accountId, name]);
}

export async function renameMailbox(
  pool: pg.Pool,
  accountId: string,
  givenFrom: string,
  givenTo: string,
): Promise<void> {
  const from = storedName(givenFrom);
  if (from === undefined) throw new StoreRefusal('no-such-mailbox');
  const to = requireName(givenTo);
  // A mailbox can't be moved below itself. INBOX stays where it is, so it can.
  if (from !== 'INBOX' && to.startsWith(`${from}/`)) throw new StoreRefusal('bad-name');
  await write(pool, 'rename_mailbox', '$1, $2, $3, $4::text[]', [accountId, from, to, parentsOf(to)]);
}

export async function setSubscribed(
  pool: pg.Pool,
  accountId: string,
  given: string,
  subscribed: boolean,
): Promise<void> {
  const name = requireName(given);
  await write(pool, 'set_subscribed', '$1, $2, $3', [accountId, name, subscribed]);
}

export async function listSubscriptions(pool: pg.Pool, accountId: string): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>({
    name: 'mailstore.list_subscriptions',
    text: 'select name from mailstore.subscription where account_id = $1 order by name',
    values: [accountId],
  });
  return rows.map((row) => row.name);
}

export async function claimRecent(pool: pg.Pool, accountId: string, mailboxId: number): Promise<number> {
  const { rows } = await pool.query<{ recent: string }>({
    name: 'mailstore.claim_recent',
    text: 'select mailstore.claim_recent($1, $2) as recent',
    values: [accountId, mailboxId],
  });
  if (rows[0] === undefined) throw new StoreRefusal('no-such-mailbox');
  return Number(rows[0].recent);
}

export async function usage(
  pool: pg.Pool,
  accountId: string,
): Promise<{ bytes: number; messages: number; quotaBytes: number; quotaMessages: number }> {
  const { rows } = await pool.query<
    Record<'used_bytes' | 'used_messages' | 'quota_bytes' | 'quota_messages', string>
  >({
    name: 'mailstore.usage',
    text: 'select used_bytes, used_messages, quota_bytes, quota_messages from mailstore.account_seq where account_id = $1',
    values: [accountId],
  });
  const row = rows[0];
  if (row === undefined) throw new StoreRefusal('no-such-account');
  return {
    bytes: Number(row.used_bytes),
    messages: Number(row.used_messages),
    quotaBytes: Number(row.quota_bytes),
    quotaMessages: Number(row.quota_messages),
  };
}

/** Calls a function that answers null or why it would not. */
async function write(pool: pg.Pool, name: string, parameters: string, values: unknown[]): Promise<void> {
  const { rows } = await pool.query<{ refusal: StoreRefusal['reason'] | null }>({
    name: `mailstore.${name}`,
    text: `select mailstore.${name}(${parameters}) as refusal`,
    values,
  });
  const refusal = rows[0]?.refusal ?? null;
  if (refusal !== null) throw new StoreRefusal(refusal);
}
