/**
 * A ReaderStore in memory with the contract's behaviour, for tests of sessions that need no database. It counts
 * its calls, and `fail` makes the next ones fail as a lost Postgres does.
 */
import {
  type AccountRef,
  type AppendItem,
  FLAG,
  type MailboxChanges,
  type MailboxInfo,
  type MailboxSnapshot,
  type MessageRow,
  type ReaderStore,
  type StoredMessage,
  type StoreMode,
  StoreRefusal,
} from '@waybill/mailstore';
import { encodeSummary, summarise } from '@waybill/message';
import type { Account, Mailbox, Row } from './memory-account.ts';

const DEFAULTS = [
  ['INBOX', null],
  ['Drafts', '\\Drafts'],
  ['Sent', '\\Sent'],
  ['Trash', '\\Trash'],
] as const;

export class MemoryStore implements ReaderStore {
  readonly #accounts = new Map<string, Account>();
  readonly calls = new Map<string, number>();
  /** While set, every call rejects with it. */
  fail: Error | undefined;
  /** Forget the change log up to here: changesSince of something older is incomplete. */
  horizon = 0;

  #enter(name: string, accountId: string): Account {
    this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
    if (this.fail !== undefined) throw this.fail;
    let account = this.#accounts.get(accountId);
    if (account === undefined) {
      account = {
        modseq: 1,
        nextEmail: 1,
        nextMailbox: 1,
        nextValidity: 1_000,
        mailboxes: [],
        subscriptions: new Set(),
        emails: new Map(),
      };
      this.#accounts.set(accountId, account);
      for (const [mailbox, use] of DEFAULTS) this.#make(account, mailbox, use);
    }
    return account;
  }

  #make(account: Account, name: string, specialUse: MailboxInfo['specialUse']): Mailbox {
    const mailbox: Mailbox = {
      mailboxId: account.nextMailbox++,
      name,
      specialUse,
      uidValidity: account.nextValidity++,
      uidNext: 1,
      modseq: account.modseq,
      recentFrom: 1,
      rows: [],
      log: [],
      gone: false,
    };
    account.mailboxes.push(mailbox);
    account.subscriptions.add(name);
    return mailbox;
  }

  #named(account: Account, name: string): Mailbox {
    const mailbox = account.mailboxes.find((each) => !each.gone && each.name === name);
    if (mailbox === undefined) throw new StoreRefusal('no-such-mailbox');
    return mailbox;
  }

  #byId(account: Account, mailboxId: number): Mailbox {
    const mailbox = account.mailboxes.find((each) => each.mailboxId === mailboxId);
    if (mailbox === undefined || mailbox.gone) throw new StoreRefusal('no-such-mailbox');
    return mailbox;
  }

  #log(account: Account, mailbox: Mailbox, kind: 'added' | 'changed' | 'expunged', uids: number[]): void {
    mailbox.modseq = account.modseq;
    for (const uid of uids) mailbox.log.push({ modseq: account.modseq, kind, uid });
  }

  #put(account: Account, mailbox: Mailbox, message: StoredMessage, from: Partial<Row>): Row {
    const row: Row = {
      uid: mailbox.uidNext++,
      flags: from.flags ?? 0,
      keywords: [...(from.keywords ?? [])],
      modseq: account.modseq,
      emailId: message.emailId,
      internalDate: from.internalDate ?? 0,
      size: message.prefix.length + message.body.length,
    };
    mailbox.rows.push(row);
    return row;
  }

  /** As the mda does it. */
  deliver(accountId: string, name: string, prefix: Buffer, body: Buffer): Promise<number> {
    const account = this.#enter('deliver', accountId);
    const mailbox = this.#named(account, name);
    account.modseq += 1;
    const message = {
      emailId: String(account.nextEmail++),
      prefix,
      body,
      summary: encodeSummary(summarise(body)),
    };
    account.emails.set(message.emailId, message);
    const row = this.#put(account, mailbox, message, { internalDate: 1_700_000_000_000 });
    this.#log(account, mailbox, 'added', [row.uid]);
    return Promise.resolve(row.uid);
  }

  async openAccount(account: AccountRef): Promise<void> {
    this.#enter('openAccount', account.accountId);
  }

  async accountModseq(accountId: string): Promise<number> {
    return this.#enter('accountModseq', accountId).modseq;
  }

  #info(account: Account, mailbox: Mailbox): MailboxInfo {
    return {
      mailboxId: mailbox.mailboxId,
      name: mailbox.name,
      specialUse: mailbox.specialUse,
      subscribed: account.subscriptions.has(mailbox.name),
      uidValidity: mailbox.uidValidity,
      uidNext: mailbox.uidNext,
      highestModseq: mailbox.modseq,
      messages: mailbox.rows.length,
      unseen: mailbox.rows.filter(({ flags }) => (flags & FLAG.seen) === 0).length,
      recentFrom: mailbox.recentFrom,
    };
  }

  async listMailboxes(accountId: string): Promise<MailboxInfo[]> {
    const account = this.#enter('listMailboxes', accountId);
    return account.mailboxes.filter(({ gone }) => !gone).map((each) => this.#info(account, each));
  }

  async findMailbox(accountId: string, name: string): Promise<MailboxInfo | undefined> {
    const account = this.#enter('findMailbox', accountId);
    const mailbox = account.mailboxes.find((each) => !each.gone && each.name === name);
    return mailbox === undefined ? undefined : this.#info(account, mailbox);
  }

  async snapshot(accountId: string, mailboxId: number, claimRecent: boolean): Promise<MailboxSnapshot> {
    const account = this.#enter('snapshot', accountId);
    const mailbox = this.#byId(account, mailboxId);
    const info = this.#info(account, mailbox);
    if (claimRecent) mailbox.recentFrom = mailbox.uidNext;
    const { rows } = mailbox;
    return {
      info,
      modseq: account.modseq,
      uids: rows.map(({ uid }) => uid),
      flags: rows.map(({ flags }) => flags),
      keywords: rows.map(({ keywords }) => (keywords.length === 0 ? undefined : [...keywords])),
      modseqs: rows.map(({ modseq }) => modseq),
      emailIds: rows.map(({ emailId }) => emailId),
      sizes: rows.map(({ size }) => size),
      internalDates: rows.map(({ internalDate }) => internalDate),
    };
  }

  async claimRecent(accountId: string, mailboxId: number): Promise<number> {
    const mailbox = this.#byId(this.#enter('claimRecent', accountId), mailboxId);
    const { recentFrom } = mailbox;
    mailbox.recentFrom = mailbox.uidNext;
    return recentFrom;
  }

  async changesSince(accountId: string, mailboxId: number, modseq: number): Promise<MailboxChanges> {
    const account = this.#enter('changesSince', accountId);
    const mailbox = account.mailboxes.find((each) => each.mailboxId === mailboxId);
    const none = { modseq: account.modseq, added: [], changed: [], expunged: [] };
    if (mailbox === undefined || mailbox.gone) return { ...none, complete: true, gone: true };
    if (modseq < this.horizon) return { ...none, complete: false, gone: false };
    const since = mailbox.log.filter((entry) => entry.modseq > modseq);
    const rowsOf = (kind: string): MessageRow[] => {
      const uids = new Set(since.filter((entry) => entry.kind === kind).map(({ uid }) => uid));
      return mailbox.rows.filter(({ uid }) => uids.has(uid)).map(copyOf);
    };
    return {
      modseq: account.modseq,
      complete: true,
      gone: false,
      added: rowsOf('added'),
      changed: rowsOf('changed'),
      expunged: since.filter(({ kind }) => kind === 'expunged').map(({ uid }) => uid),
    };
  }

  async createMailbox(
    accountId: string,
    name: string,
    specialUse: MailboxInfo['specialUse'] = null,
  ): Promise<MailboxInfo> {
    const account = this.#enter('createMailbox', accountId);
    if (account.mailboxes.some((each) => !each.gone && each.name === name))
      throw new StoreRefusal('already-exists');
    account.modseq += 1;
    return this.#info(account, this.#make(account, name, specialUse));
  }

  async deleteMailbox(accountId: string, name: string): Promise<void> {
    const account = this.#enter('deleteMailbox', accountId);
    if (name === 'INBOX') throw new StoreRefusal('cannot-delete-inbox');
    const mailbox = this.#named(account, name);
    if (account.mailboxes.some((each) => !each.gone && each.name.startsWith(`${name}/`)))
      throw new StoreRefusal('has-children');
    account.modseq += 1;
    mailbox.gone = true;
  }

  async renameMailbox(accountId: string, from: string, to: string): Promise<void> {
    const account = this.#enter('renameMailbox', accountId);
    if (account.mailboxes.some((each) => !each.gone && each.name === to))
      throw new StoreRefusal('already-exists');
    this.#named(account, from).name = to;
    account.modseq += 1;
  }

  async setSubscribed(accountId: string, name: string, subscribed: boolean): Promise<void> {
    const { subscriptions } = this.#enter('setSubscribed', accountId);
    if (subscribed) subscriptions.add(name);
    else subscriptions.delete(name);
  }

  async listSubscriptions(accountId: string): Promise<string[]> {
    return [...this.#enter('listSubscriptions', accountId).subscriptions];
  }

  async append(
    { accountId }: AccountRef,
    mailboxName: string,
    items: readonly AppendItem[],
  ): Promise<{ uidValidity: number; uids: number[]; modseq: number }> {
    const account = this.#enter('append', accountId);
    const mailbox = this.#named(account, mailboxName);
    account.modseq += 1;
    const uids = items.map(({ body, summary, flags, keywords, internalDate }) => {
      const emailId = String(account.nextEmail++);
      const message = { emailId, prefix: Buffer.alloc(0), body, summary };
      account.emails.set(emailId, message);
      const date = internalDate?.getTime() ?? 1_700_000_000_000;
      return this.#put(account, mailbox, message, { flags, keywords: [...keywords], internalDate: date }).uid;
    });
    this.#log(account, mailbox, 'added', uids);
    return { uidValidity: mailbox.uidValidity, uids, modseq: account.modseq };
  }

  async storeFlags(
    accountId: string,
    mailboxId: number,
    uids: readonly number[],
    mode: StoreMode,
    flags: number,
    keywords: readonly string[],
  ): Promise<{ modseq: number; changed: boolean; rows: MessageRow[] }> {
    const account = this.#enter('storeFlags', accountId);
    const mailbox = this.#byId(account, mailboxId);
    const rows = mailbox.rows.filter(({ uid }) => uids.includes(uid));
    const changed: number[] = [];
    for (const row of rows) {
      const system = mode === 'set' ? flags : mode === 'add' ? row.flags | flags : row.flags & ~flags;
      const words =
        mode === 'set'
          ? [...keywords]
          : mode === 'add'
            ? [...new Set([...row.keywords, ...keywords])]
            : row.keywords.filter((word) => !keywords.includes(word));
      if (system === row.flags && words.join(' ') === row.keywords.join(' ')) continue;
      row.flags = system;
      row.keywords = words;
      row.modseq = account.modseq + 1;
      changed.push(row.uid);
    }
    if (changed.length > 0) {
      account.modseq += 1;
      this.#log(account, mailbox, 'changed', changed);
    }
    return { modseq: account.modseq, changed: changed.length > 0, rows: rows.map(copyOf) };
  }

  async expunge(
    accountId: string,
    mailboxId: number,
    only?: readonly number[],
  ): Promise<{ modseq: number; uids: number[] }> {
    const account = this.#enter('expunge', accountId);
    const mailbox = this.#byId(account, mailboxId);
    const uids = mailbox.rows
      .filter(({ uid, flags }) => (flags & FLAG.deleted) !== 0 && (only?.includes(uid) ?? true))
      .map(({ uid }) => uid);
    return this.#remove(account, mailbox, uids);
  }

  async remove(
    accountId: string,
    mailboxId: number,
    uids: readonly number[],
  ): Promise<{ modseq: number; uids: number[] }> {
    const account = this.#enter('remove', accountId);
    const mailbox = this.#byId(account, mailboxId);
    return this.#remove(
      account,
      mailbox,
      mailbox.rows.map(({ uid }) => uid).filter((uid) => uids.includes(uid)),
    );
  }

  #remove(account: Account, mailbox: Mailbox, uids: number[]): { modseq: number; uids: number[] } {
    if (uids.length > 0) {
      account.modseq += 1;
      mailbox.rows = mailbox.rows.filter(({ uid }) => !uids.includes(uid));
      this.#log(account, mailbox, 'expunged', uids);
    }
    return { modseq: account.modseq, uids };
  }

  async copy(
    { accountId }: AccountRef,
    fromMailboxId: number,
    uids: readonly number[],
    toName: string,
  ): Promise<{ uidValidity: number; from: number[]; to: number[]; modseq: number }> {
    const account = this.#enter('copy', accountId);
    const target = this.#named(account, toName);
    const rows = this.#byId(account, fromMailboxId).rows.filter(({ uid }) => uids.includes(uid));
    account.modseq += 1;
    const to = rows.map((row) => this.#put(account, target, account.emails.get(row.emailId)!, row).uid);
    this.#log(account, target, 'added', to);
    return {
      uidValidity: target.uidValidity,
      from: rows.map(({ uid }) => uid),
      to,
      modseq: account.modseq,
    };
  }

  async move(
    ref: AccountRef,
    fromMailboxId: number,
    uids: readonly number[],
    toName: string,
  ): Promise<{ uidValidity: number; from: number[]; to: number[]; modseq: number }> {
    const moved = await this.copy(ref, fromMailboxId, uids, toName);
    const account = this.#enter('move', ref.accountId);
    this.#remove(account, this.#byId(account, fromMailboxId), moved.from);
    return { ...moved, modseq: account.modseq };
  }

  async summaries(
    accountId: string,
    emailIds: readonly string[],
  ): Promise<({ prefix: Buffer; summary: Buffer } | undefined)[]> {
    const { emails } = this.#enter('summaries', accountId);
    return emailIds.map((id) => emails.get(id));
  }

  async message(accountId: string, emailId: string): Promise<StoredMessage | undefined> {
    return this.#enter('message', accountId).emails.get(emailId);
  }

  async usage(accountId: string): Promise<{
    bytes: number;
    messages: number;
    quotaBytes: number;
    quotaMessages: number;
  }> {
    this.#enter('usage', accountId);
    return { bytes: 0, messages: 0, quotaBytes: 0, quotaMessages: 0 };
  }
}

function copyOf(row: Row): MessageRow {
  return { ...row, keywords: [...row.keywords] };
}
