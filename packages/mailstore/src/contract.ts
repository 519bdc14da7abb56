/**
 * What agents may ask of the mail store. Ids are decimal strings of Postgres bigints, except UIDs,
 * mailbox ids and MODSEQs, which are numbers (UIDs and UIDVALIDITY are 32 bit, RFC 3501 §2.3.1.1;
 * MODSEQ stays below 2^53).
 */

/** An account as auth named it. The store's own row is made from this at first use. */
export interface AccountRef {
  readonly accountId: string;
  /** 0 = unlimited. */
  readonly quotaBytes: number;
  readonly quotaMessages: number;
}

/** A message body: in the row up to the inline limit, else content-addressed in the blobstore. */
export type Body = { readonly inline: Buffer } | { readonly blobKey: string; readonly size: number };

/** One message for one account: the item of a delivery batch. */
export interface DeliverItem {
  readonly account: AccountRef;
  /** Idempotency key; a missing one (foreign MTA) is minted by the MDA. */
  readonly deliveryId: string;
  /** Header lines that belong to this delivery alone (Return-Path, Delivered-To), CRLF included. */
  readonly prefix: Buffer;
  readonly body: Body;
  /** Versioned summary of the body, made once per message: see @waybill/message `summarise`. */
  readonly summary: Buffer;
  /** The Date field's time, for SENTBEFORE and SENTON; null where the message has none. */
  readonly sentAt: Date | null;
  /** Where to: INBOX, or the mailbox with the special use \Junk, which is made where it is missing. */
  readonly target: 'inbox' | 'junk';
}

export type DeliverVerdict =
  | {
      readonly status: 'stored';
      readonly uid: number;
      readonly mailboxId: number;
      readonly emailId: string;
      readonly modseq: number;
    }
  | { readonly status: 'duplicate' }
  | { readonly status: 'over-quota' }
  | { readonly status: 'no-such-account' };

/** System flags as bits; `\Recent` is no flag of a message but of a session's view. */
export const FLAG = { seen: 1, answered: 2, flagged: 4, deleted: 8, draft: 16 } as const;

export interface MailboxInfo {
  readonly mailboxId: number;
  /** Full name, decoded (UTF-8), hierarchy delimiter '/'; INBOX is always 'INBOX'. */
  readonly name: string;
  readonly specialUse: '\\Drafts' | '\\Sent' | '\\Trash' | '\\Junk' | '\\Archive' | null;
  readonly subscribed: boolean;
  readonly uidValidity: number;
  readonly uidNext: number;
  readonly highestModseq: number;
  readonly messages: number;
  readonly unseen: number;
  /** UIDs from here on have not been announced as \Recent to any session. */
  readonly recentFrom: number;
}

/** A mailbox as columns, sorted by UID; index i is sequence number i+1 of a fresh SELECT. */
export interface MailboxSnapshot {
  readonly info: MailboxInfo;
  /** The account's MODSEQ that this snapshot shows. */
  readonly modseq: number;
  readonly uids: number[];
  readonly flags: number[];
  /** Keywords of a message, or undefined for none. */
  readonly keywords: (readonly string[] | undefined)[];
  readonly modseqs: number[];
  readonly emailIds: string[];
  readonly sizes: number[];
  /** INTERNALDATE in ms since the epoch. */
  readonly internalDates: number[];
}

/** One row of a mailbox, as in the snapshot's columns. */
export interface MessageRow {
  readonly uid: number;
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly modseq: number;
  readonly emailId: string;
  readonly size: number;
  readonly internalDate: number;
}

/** What happened in a mailbox after some MODSEQ. */
export interface MailboxChanges {
  /** The account's MODSEQ after these changes. */
  readonly modseq: number;
  /** False when the change log no longer reaches back: take a new snapshot. */
  readonly complete: boolean;
  readonly added: readonly MessageRow[];
  /** Rows whose flags or keywords changed (present state). */
  readonly changed: readonly MessageRow[];
  readonly expunged: readonly number[];
  /** True when the mailbox was deleted. */
  readonly gone: boolean;
}

/** A message's stored octets: `prefix` and then the body. */
export interface StoredMessage {
  readonly emailId: string;
  readonly prefix: Buffer;
  readonly body: Buffer;
  readonly summary: Buffer;
}

export interface AppendItem {
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly internalDate: Date | null;
  readonly body: Buffer;
  readonly summary: Buffer;
  readonly sentAt: Date | null;
}

export type StoreMode = 'set' | 'add' | 'remove';

/** Why the store would not: each maps to one protocol answer. */
export class StoreRefusal extends Error {
  readonly reason:
    | 'no-such-mailbox'
    | 'already-exists'
    | 'has-children'
    | 'over-quota'
    | 'no-such-account'
    | 'bad-name'
    | 'too-many'
    | 'cannot-delete-inbox'
    | 'no-such-message';
  constructor(reason: StoreRefusal['reason'], detail?: string) {
    super(detail ?? reason);
    this.name = 'StoreRefusal';
    this.reason = reason;
  }
}

/** The door of mda. */
export interface DeliveryStore {
  /** Files each item exactly once; a verdict per item, in order. Batched across callers. */
  deliver(item: DeliverItem): Promise<DeliverVerdict>;
  /** Which of these deliveries are recorded already (answered 250 before any user or quota check). */
  isDelivered(accountId: string, deliveryId: string): Promise<boolean>;
}

/** The door of mra. Every write is one transaction that locks the account's row first. */
export interface ReaderStore {
  /** Makes the account's row and its default mailboxes when they are missing. */
  openAccount(account: AccountRef): Promise<void>;
  /** The account's MODSEQ now: one primary key read. */
  accountModseq(accountId: string): Promise<number>;
  listMailboxes(accountId: string): Promise<MailboxInfo[]>;
  /** Undefined when there is no such mailbox. INBOX matches in any case. */
  findMailbox(accountId: string, name: string): Promise<MailboxInfo | undefined>;
  /** Consistent view of one mailbox; `claimRecent` moves the \Recent watermark (SELECT, not EXAMINE). */
  snapshot(accountId: string, mailboxId: number, claimRecent: boolean): Promise<MailboxSnapshot>;
  /** Moves the \Recent watermark up to `uidNext` and tells where it stood: UIDs from the answer on are recent here. */
  claimRecent(accountId: string, mailboxId: number): Promise<number>;
  changesSince(accountId: string, mailboxId: number, modseq: number): Promise<MailboxChanges>;
  /** Creates missing parents too (RFC 3501 §6.3.3). */
  createMailbox(
    accountId: string,
    name: string,
    specialUse?: MailboxInfo['specialUse'],
  ): Promise<MailboxInfo>;
  /** Tombstone; UIDVALIDITY never returns. Throws has-children, cannot-delete-inbox. */
  deleteMailbox(accountId: string, name: string): Promise<void>;
  /** Renames with inferiors; INBOX moves its messages instead (RFC 3501 §6.3.5). */
  renameMailbox(accountId: string, from: string, to: string): Promise<void>;
  setSubscribed(accountId: string, name: string, subscribed: boolean): Promise<void>;
  /** All subscribed names, of mailboxes that no longer exist too (RFC 3501 §6.3.9). */
  listSubscriptions(accountId: string): Promise<string[]>;
  append(
    account: AccountRef,
    mailboxName: string,
    items: readonly AppendItem[],
  ): Promise<{ uidValidity: number; uids: number[]; modseq: number }>;
  /**
   * Returns the rows after the change; UIDs that are gone are simply missing. When nothing `changed`, `modseq`
   * is that of an earlier write, perhaps somebody else's.
   */
  storeFlags(
    accountId: string,
    mailboxId: number,
    uids: readonly number[],
    mode: StoreMode,
    flags: number,
    keywords: readonly string[],
  ): Promise<{ modseq: number; changed: boolean; rows: MessageRow[] }>;
  /** Removes messages with \Deleted; `only` limits it to these UIDs (RFC 4315 UID EXPUNGE). Returns the UIDs removed. */
  expunge(
    accountId: string,
    mailboxId: number,
    only?: readonly number[],
  ): Promise<{ modseq: number; uids: number[] }>;
  /** Removes these UIDs whatever their flags: POP3's update state. */
  remove(
    accountId: string,
    mailboxId: number,
    uids: readonly number[],
  ): Promise<{ modseq: number; uids: number[] }>;
  copy(
    account: AccountRef,
    fromMailboxId: number,
    uids: readonly number[],
    toName: string,
  ): Promise<{ uidValidity: number; from: number[]; to: number[]; modseq: number }>;
  move(
    account: AccountRef,
    fromMailboxId: number,
    uids: readonly number[],
    toName: string,
  ): Promise<{ uidValidity: number; from: number[]; to: number[]; modseq: number }>;
  /** Summaries of many messages, in the order asked; undefined where the message is gone. */
  summaries(
    accountId: string,
    emailIds: readonly string[],
  ): Promise<({ prefix: Buffer; summary: Buffer } | undefined)[]>;
  /** The stored octets; undefined when the message is gone for good. */
  message(accountId: string, emailId: string): Promise<StoredMessage | undefined>;
  usage(
    accountId: string,
  ): Promise<{ bytes: number; messages: number; quotaBytes: number; quotaMessages: number }>;
}

/** Wakes readers after commits; a wake-up is only a hint, reading the log is what is correct. */
export interface ChangeSignal {
  /** Said after a commit: these accounts moved. Coalesced; never fails the caller. */
  publish(accountIds: readonly string[]): void;
  /** Calls back when the account may have moved. Returns the unsubscribe function. */
  subscribe(accountId: string, wake: () => void): () => void;
  close(): Promise<void>;
}
