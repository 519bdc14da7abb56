import { Worker } from 'node:worker_threads';
import type { ForeignJob, ForeignVerdict } from './foreign-worker.ts';

/**
 * Compares passwords with hashes of other servers in a thread of its own, so that a bcrypt in
 * JavaScript stops nobody's look-up. The thread starts with the first such login and does not keep
 * the process alive; one that dies is replaced.
 */
export class ForeignHashes implements AsyncDisposable {
  #worker: Worker | undefined;
  #waiting = new Map<number, { resolve: (fits: boolean) => void; reject: (error: Error) => void }>();
  #next = 0;

  /** @throws Error when the thread dies: nobody can say whether it fits */
  async verify(password: string, stored: string): Promise<boolean> {
    const composed = password.normalize('NFC');
    const id = this.#next++;
    const job: ForeignJob = {
      id,
      spellings: composed === password ? [password] : [password, composed],
      stored,
    };
    const worker = (this.#worker ??= this.#start());
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage(job);
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL('./foreign-worker.ts', import.meta.url));
    worker.unref();
    worker.on('message', ({ id, fits }: ForeignVerdict) => {
      this.#waiting.get(id)?.resolve(fits);
      this.#waiting.delete(id);
    });
    worker.on('error', (error) => this.#lost(worker, error as Error));
    worker.on('exit', () => this.#lost(worker, new Error('the thread that compares passwords has ended')));
    return worker;
  }

  #lost(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.terminate();
  }
}
