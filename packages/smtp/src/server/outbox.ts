import type { Connection } from '@waybill/listener';
import { formatReply, type Reply } from '../reply.ts';
import type { Transcript } from './transcript.ts';

/** Octets of replies that may wait for a slow client. */
const WRITE_AHEAD = 65_536;

/** Replies on their way out: gathered while commands that came together are worked on, then written at once. */
export class Outbox {
  /** The client takes no more at the moment: nothing of it is worked on until it does. */
  blocked = false;
  /** Something was refused. */
  failed = false;
  readonly #connection: Connection;
  readonly #transcript: Transcript | undefined;
  #out = '';

  constructor(connection: Connection, transcript: Transcript | undefined) {
    this.#connection = connection;
    this.#transcript = transcript;
  }

  say(answer: Reply): void {
    if (answer.code >= 400) this.failed = true;
    const text = formatReply(answer);
    this.#transcript?.server(text);
    this.#out += text;
  }

  flush(): void {
    if (this.#out === '') return;
    const out = this.#out;
    this.#out = '';
    if (!this.#connection.write(out) && this.#connection.unsent > WRITE_AHEAD) this.blocked = true;
  }

  /** Writes what was said, then the connection ends. */
  end(): void {
    const last = this.#out;
    this.#out = '';
    this.#connection.end(last);
  }
}
