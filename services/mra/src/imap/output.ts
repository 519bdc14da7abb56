/**
 * The octets to one client: gathered while a command runs, written in few pieces, and no faster than the
 * client takes them. A slow reader holds its own command up; beside the message that is being sent it costs
 * the memory of one piece.
 */
import { ResponseBuilder } from '@waybill/imap';
import type { Connection } from '@waybill/listener';
import { Gone } from './replies.ts';

/** Gathered octets that are worth a write. */
const BATCH = 65_536;
/** Octets handed to the socket at a time: TLS encrypts all that it is given at once. */
const PIECE = 262_144;

export class Output extends ResponseBuilder {
  readonly #connection: Connection;
  #waiting: { resolve: () => void; reject: (error: Gone) => void } | undefined;
  #blocked = false;
  #ending = false;
  /** What was sent off and the socket has not been given yet. */
  #queue: Buffer[] = [];

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

  /** Sends what was gathered: at once, or as the client takes what is before it. */
  flush(): void {
    if (this.length === 0) return;
    this.#queue.push(...this.take());
    if (!this.#blocked) this.#send();
  }

  #send(): void {
    const queue = this.#queue;
    const connection = this.#connection;
    let ready = true;
    let sent = 0;
    let next = 0;
    const several = queue.length > 1;
    if (several) connection.cork();
    while (next < queue.length && (ready || sent < PIECE)) {
      const chunk = queue[next]!;
      const most = PIECE - (sent % PIECE);
      const piece = chunk.length > most ? chunk.subarray(0, most) : chunk;
      if (piece === chunk) next += 1;
      else queue[next] = chunk.subarray(most);
      sent += piece.length;
      ready = connection.write(piece);
    }
    if (several) connection.uncork();
    queue.splice(0, next);
    // What is left goes when the client has taken this.
    if (!ready) this.#blocked = true;
    if (this.#ending && queue.length === 0) this.#connection.end();
  }

  /** Ends the connection when all that was gathered is on its way. */
  end(): void {
    this.flush();
    this.#ending = true;
    if (this.#queue.length === 0) this.#connection.end();
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
    if (this.#queue.length > 0) this.#send();
    if (this.#blocked) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve();
  }

  #lost(): void {
    this.#queue = [];
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(new Gone());
  }
}
