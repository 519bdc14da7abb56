/** Stored summaries of an open mailbox's messages, kept in memory as long as the budget allows. */
import type { ReaderStore } from '@waybill/mailstore';

/** The summaries of one mailbox by email id. */
export class MailboxSummaries {
  readonly byEmail = new Map<string, Buffer>();
  bytes = 0;
}

export class Summaries {
  readonly #store: ReaderStore;
  readonly #budget: number;
  /** Those that hold something, in order of last use. */
  readonly #used = new Set<MailboxSummaries>();
  #bytes = 0;

  /** `budget`: octets kept over all mailboxes. */
  constructor(store: ReaderStore, budget: number) {
    this.#store = store;
    this.#budget = budget;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** In the order asked; undefined where the message is gone for good. One read for all that are missing. */
  async of(
    accountId: string,
    kept: MailboxSummaries,
    emailIds: readonly string[],
  ): Promise<(Buffer | undefined)[]> {
    const missing = emailIds.filter((id) => !kept.byEmail.has(id));
    if (missing.length === 0) return emailIds.map((id) => kept.byEmail.get(id));
    const read = new Map<string, Buffer>();
    const answers = await this.#store.summaries(accountId, missing);
    for (const [at, answer] of answers.entries())
      if (answer !== undefined) read.set(missing[at]!, answer.summary);
    const found = emailIds.map((id) => kept.byEmail.get(id) ?? read.get(id));
    for (const [id, summary] of read) this.#keep(kept, id, summary);
    this.#trim(kept);
    return found;
  }

  /** The mailbox is closed: its summaries are forgotten. */
  drop(kept: MailboxSummaries): void {
    this.#bytes -= kept.bytes;
    kept.bytes = 0;
    kept.byEmail.clear();
    this.#used.delete(kept);
  }

  #keep(kept: MailboxSummaries, id: string, summary: Buffer): void {
    if (kept.byEmail.has(id)) return;
    // A copy: what the driver gave may be a slice that keeps a whole network buffer alive.
    kept.byEmail.set(id, Buffer.from(summary));
    kept.bytes += summary.length + 100;
    this.#bytes += summary.length + 100;
  }

  #trim(latest: MailboxSummaries): void {
    this.#used.delete(latest);
    this.#used.add(latest);
    for (const kept of this.#used) {
      if (this.#bytes <= this.#budget) return;
      this.drop(kept);
    }
  }
}
