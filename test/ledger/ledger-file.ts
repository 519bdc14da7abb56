import fs from 'node:fs';

/**
 * The ledger: what was tried, and what was acknowledged. An acknowledgement counts only once it is
 * on this side's disk (fsync), as for a sender who would forget a message after its 250.
 */
export class Ledger {
  readonly #fd: number;
  readonly #tries: number | undefined;
  readonly #tried = new Map<string, string>();
  readonly #acknowledged = new Set<string>();
  #unsynced: { id: string; resolve: () => void }[] = [];
  #syncing = false;

  /** @param triesFile where every try is written as well, for an audit by another process */
  constructor(file: string, triesFile?: string) {
    this.#fd = fs.openSync(file, 'w');
    this.#tries = triesFile === undefined ? undefined : fs.openSync(triesFile, 'w');
  }

  /** A try begins: `id` (the Message-ID) is new, `rcpt` its one recipient. */
  tried(id: string, rcpt: string): void {
    this.#tried.set(id, rcpt);
    if (this.#tries !== undefined) fs.writeSync(this.#tries, `${id} ${rcpt}\n`);
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
    if (this.#tries !== undefined) fs.closeSync(this.#tries);
  }
}

/** What an audit needs to know of a ledger. */
export interface LedgerRecord {
  readonly acknowledged: ReadonlySet<string>;
  /** By id, the one recipient. */
  readonly tries: ReadonlyMap<string, string>;
}

/** Reads the two files of a ledger that another process kept. */
export function readLedger(file: string, triesFile: string): LedgerRecord {
  const entries = (name: string): [string, string][] =>
    fs
      .readFileSync(name, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [id, rcpt] = line.split(' ');
        return [id ?? '', rcpt ?? ''];
      });
  return { acknowledged: new Set(entries(file).map(([id]) => id)), tries: new Map(entries(triesFile)) };
}
