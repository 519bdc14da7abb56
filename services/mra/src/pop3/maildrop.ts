/**
 * INBOX as it stood at login, numbered from 1 (RFC 1939 §4). Marks of deletion are kept here alone until QUIT.
 * No lock is held: UIDs are never used again, so what other sessions do can only make a message vanish.
 */
import type { AccountRef, ReaderStore, StoredMessage } from '@waybill/mailstore';

/** The part of the store that POP3 needs. */
export type MaildropStore = Pick<
  ReaderStore,
  'openAccount' | 'findMailbox' | 'snapshot' | 'message' | 'remove'
>;

export class Maildrop {
  readonly #store: MaildropStore;
  readonly #accountId: string;
  readonly #mailboxId: number;
  readonly #uidValidity: number;
  readonly #uids: readonly number[];
  readonly #sizes: readonly number[];
  readonly #emailIds: readonly string[];
  readonly #deleted = new Set<number>();
  #octets: number;

  private constructor(
    store: MaildropStore,
    accountId: string,
    snapshot: Awaited<ReturnType<MaildropStore['snapshot']>>,
  ) {
    this.#store = store;
    this.#accountId = accountId;
    this.#mailboxId = snapshot.info.mailboxId;
    this.#uidValidity = snapshot.info.uidValidity;
    this.#uids = snapshot.uids;
    this.#sizes = snapshot.sizes;
    this.#emailIds = snapshot.emailIds;
    this.#octets = this.#total();
  }

  /** Opens INBOX. Throws what the store throws. */
  static async open(store: MaildropStore, account: AccountRef): Promise<Maildrop> {
    await store.openAccount(account);
    const inbox = await store.findMailbox(account.accountId, 'INBOX');
    if (inbox === undefined) throw new Error(`account ${account.accountId} has no INBOX`);
    // \Recent is for IMAP's sessions: it is not claimed.
    const snapshot = await store.snapshot(account.accountId, inbox.mailboxId, false);
    return new Maildrop(store, account.accountId, snapshot);
  }

  /** Messages not marked as deleted. */
  get count(): number {
    return this.#uids.length - this.#deleted.size;
  }

  /** Octets of the messages not marked as deleted. */
  get octets(): number {
    return this.#octets;
  }

  get hasDeletions(): boolean {
    return this.#deleted.size > 0;
  }

  /** Is there a message of this number that is not marked as deleted? */
  has(message: number): boolean {
    return message >= 1 && message <= this.#uids.length && !this.#deleted.has(message);
  }

  uid(message: number): number {
    return this.#uids[message - 1] ?? 0;
  }

  size(message: number): number {
    return this.#sizes[message - 1] ?? 0;
  }

  /** UIDL's id, the same in every session and never given to another message: RFC 1939 §7. */
  uniqueId(message: number): string {
    return `${this.#uidValidity}.${this.uid(message)}`;
  }

  /** One line per message that is not deleted, end mark included. */
  listing(value: (message: number) => number | string): string {
    let lines = '';
    for (let message = 1; message <= this.#uids.length; message += 1) {
      if (!this.#deleted.has(message)) lines += `${message} ${value(message)}\r\n`;
    }
    return `${lines}.\r\n`;
  }

  /** The message's octets; undefined when another session has removed it for good. */
  async read(message: number): Promise<StoredMessage | undefined> {
    return this.#store.message(this.#accountId, this.#emailIds[message - 1] ?? '');
  }

  delete(message: number): void {
    this.#deleted.add(message);
    this.#octets -= this.size(message);
  }

  reset(): void {
    this.#deleted.clear();
    this.#octets = this.#total();
  }

  /** Removes what is marked, in one transaction: the update state of RFC 1939 §6. Throws what the store throws. */
  async update(): Promise<void> {
    if (this.#deleted.size === 0) return;
    const uids = [...this.#deleted].map((message) => this.uid(message)).toSorted((a, b) => a - b);
    await this.#store.remove(this.#accountId, this.#mailboxId, uids);
    this.#deleted.clear();
  }

  #total(): number {
    let octets = 0;
    for (const size of this.#sizes) octets += size;
    return octets;
  }
}
