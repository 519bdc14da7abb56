/**
 * The octets to one client: gathered while a command runs, written in few pieces, and no faster than the
 * client takes them. A slow reader holds its own command up and costs no memory beyond two batches.
 */
import { ResponseBuilder } from '@waybill/imap';
import type { Connection } from '@waybill/listener';
import { Gone } from './replies.ts';

/** Gathered octets that are worth a write. */
const BATCH = 65_536;

export class Output extends ResponseBuilder {
  readonly #connection: Connection;
  #waiting: { resolve: () => void; reject: (error: Gone) => void } | undefined;
  #blocked = false;

  constructor(connection: Connection) {
    super();
    this.#connection = connection;
    connection.onDrain(() => this.#release());
    connection.onClose(() => this.#lost());
  }

  /** The client does not take what was written. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Sends what was gathered. */
  flush(): void {
    if (this.length === 0) return;
    const chunks = this.take();
    let ready = true;
    if (chunks.length > 1) this.#connection.cork();
    for (const chunk of chunks) ready = this.#connection.write(chunk);
    if (chunks.length > 1) this.#connection.uncork();
    if (!ready) this.#blocked = true;
  }

  /**
   * For long answers, between messages: undefined while there is room, else a promise for it.
   * Rejects with Gone when the connection ends meanwhile.
   */
  room(): Promise<void> | undefined {
    if (this.#connection.closed) return Promise.reject(new Gone());
    if (this.length >= BATCH) this.flush();
    if (!this.#blocked) return undefined;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #release(): void {
    this.#blocked = false;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve();
  }

  #lost(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(new Gone());
  }
}
