/**
 * The open mailboxes of this process, shared by its sessions. A mailbox is a copy of the store's rows at
 * one MODSEQ; before a command one primary key read says whether it is still true, and if not the change
 * log brings it up to date. Wake-ups play no part in that, so a lost one cannot make a copy stay wrong.
 */
import type { MailboxChanges, MailboxInfo, MessageRow, ReaderStore } from '@waybill/mailstore';
import { Columns, ROW_BYTES } from './columns.ts';
import { MailboxSummaries, type Summaries } from './summaries.ts';

/** What the store said of a write to the mailbox. */
export interface Written {
  readonly modseq: number;
  /** Whether it changed anything, and so `modseq` is its own. */
  readonly changed: boolean;
  readonly rows: readonly MessageRow[];
  readonly removed: readonly number[];
}

export class OpenMailbox {
  readonly accountId: string;
  readonly mailboxId: number;
  readonly uidValidity: number;
  readonly #store: ReaderStore;
  columns: Columns;
  /** The account's MODSEQ up to which every change is here. */
  modseq: number;
  /** The MODSEQ of the last change to a row that was here already. */
  changedModseq = 0;
  /** UIDNEXT when the mailbox's row was last read. */
  uidNext = 1;
  /** The store no longer has this mailbox. */
  gone = false;
  /** performance.now() of the last time that the store said this copy is true. */
  checkedAt: number;
  /** Summaries of its messages that are kept in memory. */
  readonly summaries = new MailboxSummaries();
  /** Sessions that have it selected. */
  users = 0;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(
    store: ReaderStore,
    accountId: string,
    mailboxId: number,
    uidValidity: number,
    columns: Columns,
    modseq: number,
  ) {
    this.#store = store;
    this.accountId = accountId;
    this.mailboxId = mailboxId;
    this.uidValidity = uidValidity;
    this.columns = columns;
    this.modseq = modseq;
    this.checkedAt = performance.now();
  }

  get bytes(): number {
    return 1_000 + this.columns.length * ROW_BYTES;
  }

  /**
   * Resolves when everything is here that was committed before the call. Calls that come while a read
   * is under way share the next one: the running one may have looked too early for them.
   */
  refresh(): Promise<void> {
    if (this.#running === undefined) return this.#start();
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  #start(): Promise<void> {
    this.#next = undefined;
    const running = this.#read().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  async #read(): Promise<void> {
    if (this.gone) return;
    const asked = performance.now();
    const modseq = await this.#store.accountModseq(this.accountId);
    if (modseq > this.modseq)
      await this.#apply(await this.#store.changesSince(this.accountId, this.mailboxId, this.modseq));
    this.checkedAt = asked;
  }

  async #apply(changes: MailboxChanges): Promise<void> {
    if (changes.gone) {
      this.gone = true;
      return;
    }
    if (!changes.complete) {
      const snapshot = await this.#store.snapshot(this.accountId, this.mailboxId, false);
      if (snapshot.modseq < this.modseq) return;
      this.columns = new Columns(snapshot);
      this.changedModseq = snapshot.modseq;
      this.modseq = snapshot.modseq;
      return;
    }
    if (changes.modseq < this.modseq) return;
    for (const row of changes.added) this.#put(row);
    for (const row of changes.changed) this.#put(row);
    this.columns = this.columns.without(changes.expunged);
    this.modseq = changes.modseq;
  }

  #put(row: MessageRow): void {
    if (row.uid > this.columns.lastUid()) {
      this.columns.append(row);
      return;
    }
    const at = this.columns.indexOf(row.uid);
    if (at !== -1 && this.columns.update(at, row) && row.modseq > this.changedModseq)
      this.changedModseq = row.modseq;
  }

  /**
   * A write of this process was committed. When it is the next change after those known here, its result is
   * all that happened and is applied as it is; else the change log is read.
   */
  async wrote({ modseq, changed, rows, removed }: Written): Promise<void> {
    // A write that changed nothing tells the account's MODSEQ, which is then somebody else's.
    if (!changed || modseq !== this.modseq + 1) {
      if (modseq > this.modseq) await this.refresh();
      return;
    }
    for (const row of rows) this.#put(row);
    this.columns = this.columns.without(removed);
    this.modseq = modseq;
    this.checkedAt = performance.now();
  }
}

export class MailboxCache {
  readonly #store: ReaderStore;
  readonly #summaries: Summaries;
  readonly #budget: number;
  readonly #open = new Map<string, Promise<OpenMailbox>>();
  readonly #settled = new Map<string, OpenMailbox>();
  /** Those that no session has selected, with their octets, in the order in which they were left. */
  readonly #idle = new Map<OpenMailbox, number>();
  #idleBytes = 0;

  /** `budget`: octets to keep of mailboxes that no session has selected. */
  constructor(store: ReaderStore, summaries: Summaries, budget: number) {
    this.#store = store;
    this.#summaries = summaries;
    this.#budget = budget;
  }

  /** How many mailboxes are held, for a gauge. */
  get size(): number {
    return this.#settled.size;
  }

  /** The mailbox, at least as new as `info`. Call `release` when done with it. */
  async acquire(accountId: string, info: MailboxInfo): Promise<OpenMailbox> {
    const key = keyOf(accountId, info.mailboxId, info.uidValidity);
    const mailbox = await (this.#open.get(key) ?? this.#load(key, accountId, info));
    mailbox.users += 1;
    this.#busy(mailbox);
    try {
      if (mailbox.modseq < info.highestModseq) await mailbox.refresh();
      if (info.uidNext > mailbox.uidNext) mailbox.uidNext = info.uidNext;
    } catch (error) {
      this.release(mailbox);
      throw error;
    }
    return mailbox;
  }

  /** Drops unused mailboxes, those left first, until what remains fits the budget. */
  release(mailbox: OpenMailbox): void {
    mailbox.users -= 1;
    if (mailbox.users > 0) return;
    if (mailbox.gone) {
      this.#drop(mailbox);
      return;
    }
    this.#idle.set(mailbox, mailbox.bytes);
    this.#idleBytes += mailbox.bytes;
    for (const oldest of this.#idle.keys()) {
      if (this.#idleBytes <= this.#budget) return;
      this.#busy(oldest);
      this.#drop(oldest);
    }
  }

  #busy(mailbox: OpenMailbox): void {
    this.#idleBytes -= this.#idle.get(mailbox) ?? 0;
    this.#idle.delete(mailbox);
  }

  #drop(mailbox: OpenMailbox): void {
    const key = keyOf(mailbox.accountId, mailbox.mailboxId, mailbox.uidValidity);
    this.#summaries.drop(mailbox.summaries);
    if (this.#settled.get(key) !== mailbox) return;
    this.#open.delete(key);
    this.#settled.delete(key);
  }

  #load(key: string, accountId: string, info: MailboxInfo): Promise<OpenMailbox> {
    const opening = this.#store.snapshot(accountId, info.mailboxId, false).then(
      (snapshot) => {
        const mailbox = new OpenMailbox(
          this.#store,
          accountId,
          info.mailboxId,
          info.uidValidity,
          new Columns(snapshot),
          snapshot.modseq,
        );
        this.#settled.set(key, mailbox);
        return mailbox;
      },
      (error: unknown) => {
        this.#open.delete(key);
        throw error;
      },
    );
    this.#open.set(key, opening);
    return opening;
  }
}

/** One account can never meet another's rows, nor a name's new mailbox the old one's. */
function keyOf(accountId: string, mailboxId: number, uidValidity: number): string {
  return `${accountId}/${mailboxId}/${uidValidity}`;
}
