import type pg from 'pg';
import { type Blobstore, openBlobstore } from '@waybill/blobstore';
import { checkAccountId } from './account-id.ts';
import type { ChangeSignal, ReaderStore } from './contract.ts';
import { appendMessages } from './reader/append.ts';
import { copyMessages } from './reader/copy.ts';
import * as mailboxes from './reader/mailboxes.ts';
import { expunge, storeFlags } from './reader/marks.ts';
import { message, summaries } from './reader/octets.ts';
import { changesSince, snapshot } from './reader/view.ts';

/**
 * The mra's door. It promises: every read is a true state of the account at one instant; a write
 * that resolves is committed, in the change log, and has woken the other readers; one that is
 * refused (StoreRefusal) changed nothing.
 */
export interface ReaderStoreOptions {
  /** Told after each commit. */
  readonly signal: ChangeSignal;
  /** Where large bodies lie; one over the same pool when not given. */
  readonly blobstore?: Blobstore;
  /** Bodies up to this many octets lie in the row. 32 KiB when not given. */
  readonly inlineLimit?: number;
}

/** @param pool logged in as mra */
export function openReaderStore(pool: pg.Pool, options: ReaderStoreOptions): ReaderStore {
  const blobstore = options.blobstore ?? openBlobstore(pool);
  const inlineLimit = options.inlineLimit ?? 32 * 1024;
  const moved = async <T>(accountId: string, write: Promise<T>): Promise<T> => {
    const result = await write;
    options.signal.publish([accountId]);
    return result;
  };
  return {
    openAccount: async (account) => {
      checkAccountId(account.accountId);
      await mailboxes.openAccount(pool, account);
    },
    accountModseq: (accountId) => mailboxes.accountModseq(pool, accountId),
    listMailboxes: (accountId) => mailboxes.listMailboxes(pool, accountId),
    findMailbox: (accountId, name) => mailboxes.findMailbox(pool, accountId, name),
    snapshot: (accountId, mailboxId, claim) => snapshot(pool, accountId, mailboxId, claim),
    claimRecent: (accountId, mailboxId) => mailboxes.claimRecent(pool, accountId, mailboxId),
    changesSince: (accountId, mailboxId, modseq) => changesSince(pool, accountId, mailboxId, modseq),
    createMailbox: (accountId, name, specialUse) =>
      moved(accountId, mailboxes.createMailbox(pool, accountId, name, specialUse ?? null)),
    deleteMailbox: (accountId, name) => moved(accountId, mailboxes.deleteMailbox(pool, accountId, name)),
    renameMailbox: (accountId, from, to) =>
      moved(accountId, mailboxes.renameMailbox(pool, accountId, from, to)),
    setSubscribed: (accountId, name, subscribed) =>
      moved(accountId, mailboxes.setSubscribed(pool, accountId, name, subscribed)),
    listSubscriptions: (accountId) => mailboxes.listSubscriptions(pool, accountId),
    append: (account, name, items) =>
      moved(account.accountId, appendMessages(pool, blobstore, inlineLimit, account, name, items)),
    storeFlags: (accountId, mailboxId, uids, mode, flags, keywords) =>
      moved(accountId, storeFlags(pool, accountId, mailboxId, uids, mode, flags, keywords)),
    expunge: (accountId, mailboxId, only) =>
      moved(accountId, expunge(pool, accountId, mailboxId, only, false)),
    remove: (accountId, mailboxId, uids) => moved(accountId, expunge(pool, accountId, mailboxId, uids, true)),
    copy: (account, from, uids, toName) =>
      moved(account.accountId, copyMessages(pool, account, from, uids, toName, false)),
    move: (account, from, uids, toName) =>
      moved(account.accountId, copyMessages(pool, account, from, uids, toName, true)),
    summaries: (accountId, emailIds) => summaries(pool, accountId, emailIds),
    message: (accountId, emailId) => message(pool, blobstore, accountId, emailId),
    usage: (accountId) => mailboxes.usage(pool, accountId),
  };
}
