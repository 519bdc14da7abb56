/**
 * Gathers account ids that moved into few messages: the first goes at once, the next not sooner
 * than `gapMs` after it and with everything that came meanwhile, each account once.
 */

/** Two bursts of mail a reader can't tell apart; at most 50 messages a second from a process. */
const GAP_MS = 20;
/** Ids of one message: with commas 19 digits each, it stays below the 8000 octets of a NOTIFY. */
const IDS_PER_MESSAGE = 350;

export class Coalescer {
  readonly #send: (ids: readonly string[]) => Promise<void>;
  readonly #gapMs: number;
  readonly #waiting = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;

  constructor(send: (ids: readonly string[]) => Promise<void>, gapMs = GAP_MS) {
    this.#send = send;
    this.#gapMs = gapMs;
  }

  add(ids: readonly string[]): void {
    for (const id of ids) this.#waiting.add(id);
    if (this.#timer === undefined && this.#sending === undefined) this.#start();
  }

  /** Sends what waits, and then no more on its own. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#sending;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#waiting.size > 0) await this.#sendSome();
  }

  #start(): void {
    const started = performance.now();
    this.#sending = this.#sendSome().finally(() => {
      this.#sending = undefined;
      const rest = this.#gapMs - (performance.now() - started);
      this.#timer = setTimeout(
        () => {
          this.#timer = undefined;
          if (this.#waiting.size > 0) this.#start();
        },
        Math.max(0, rest),
      );
    });
  }

  async #sendSome(): Promise<void> {
    const ids: string[] = [];
    for (const id of this.#waiting) {
      if (ids.length === IDS_PER_MESSAGE) break;
      ids.push(id);
      this.#waiting.delete(id);
    }
    if (ids.length === 0) return;
    try {
      await this.#send(ids);
    } catch {
      // A hint is lost: the readers' slow poll finds what it told of.
    }
  }
}
