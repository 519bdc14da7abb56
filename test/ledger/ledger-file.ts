import fs from 'node:fs';

/**
 * The ledger: what was tried, and what was acknowledged. An acknowledgement counts only once it is
 * on this side's disk (fsync), as for a sender who would forget a message after its 250.
 */
export class Ledger {
  readonly #fd: number;
  readonly #tried = new Map<string, string>();
  readonly #acknowledged = new Set<string>();
  #unsynced: { id: string; resolve: () => void }[] = [];
  #syncing = false;

  constructor(file: string) {
    this.#fd = fs.openSync(file, 'w');
  }

  /** A try begins: `id` (the Message-ID) is new, `rcpt` its one recipient. */
  tried(id: string, rcpt: string): void {
    this.#tried.set(id, rcpt);
  }

  /** 250 was said; resolves when that is on the disk. */
  acknowledge(id: string): Promise<void> {
    return new Promise((resolve) => {
      this.#unsynced.push({ id, resolve });
      if (!this.#syncing) void this.#sync();
    });
  }

  async #sync(): Promise<void> {
    this.#syncing = true;
    while (this.#unsynced.length > 0) {
      const batch = this.#unsynced.splice(0);
      fs.writeSync(this.#fd, batch.map(({ id }) => `${id} ${this.#tried.get(id)}\n`).join(''));
      await new Promise<void>((resolve, reject) => {
        fs.fsync(this.#fd, (error) => (error === null ? resolve() : reject(error)));
      });
      for (const { id, resolve } of batch) {
        this.#acknowledged.add(id);
        resolve();
      }
    }
    this.#syncing = false;
  }

  get acknowledged(): ReadonlySet<string> {
    return this.#acknowledged;
  }

  get tries(): ReadonlyMap<string, string> {
    return this.#tried;
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}
