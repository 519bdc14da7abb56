/**
 * Large messages that clients are reading piece by piece (`BODY[2]<65536.65536>`), kept in memory within a
 * budget: without this every piece would read the whole message from the store again.
 */
import type { ReaderStore, StoredMessage } from '@waybill/mailstore';

/** Smaller messages cost less to read again than to keep. */
const LARGE = 131_072;

export class LargeMessages {
  readonly #store: Pick<ReaderStore, 'message'>;
  readonly #budget: number;
  /** In order of last use; one account can never meet another's. */
  readonly #kept = new Map<string, StoredMessage>();
  #bytes = 0;

  /** `budget`: octets kept over all accounts; a message larger than it is never kept. */
  constructor(store: Pick<ReaderStore, 'message'>, budget: number) {
    this.#store = store;
    this.#budget = budget;
  }

  /** Octets held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** As the store's `message`. */
  async message(accountId: string, emailId: string): Promise<StoredMessage | undefined> {
    const key = `${accountId}/${emailId}`;
    const kept = this.#kept.get(key);
    const message = kept ?? (await this.#store.message(accountId, emailId));
    if (message !== undefined) this.#keep(key, message);
    return message;
  }

  #keep(key: string, message: StoredMessage): void {
    const size = sizeOf(message);
    if (size < LARGE || size > this.#budget) return;
    if (!this.#kept.delete(key)) this.#bytes += size;
    this.#kept.set(key, message);
    for (const [oldest, other] of this.#kept) {
      if (this.#bytes <= this.#budget) return;
      this.#kept.delete(oldest);
      this.#bytes -= sizeOf(other);
    }
  }
}

function sizeOf({ prefix, body, summary }: StoredMessage): number {
  return prefix.length + body.length + summary.length;
}
