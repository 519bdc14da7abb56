/** What the store in memory keeps of an account. */
import type { MailboxInfo, StoredMessage } from '@waybill/mailstore';

export interface Row {
  uid: number;
  flags: number;
  keywords: string[];
  modseq: number;
  emailId: string;
  internalDate: number;
  size: number;
}

export interface Mailbox {
  mailboxId: number;
  name: string;
  specialUse: MailboxInfo['specialUse'];
  uidValidity: number;
  uidNext: number;
  modseq: number;
  recentFrom: number;
  rows: Row[];
  log: { modseq: number; kind: 'added' | 'changed' | 'expunged'; uid: number }[];
  gone: boolean;
}

export interface Account {
  modseq: number;
  nextEmail: number;
  nextMailbox: number;
  nextValidity: number;
  mailboxes: Mailbox[];
  subscriptions: Set<string>;
  emails: Map<string, StoredMessage>;
}
