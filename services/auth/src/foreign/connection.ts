import type { Socket } from 'node:net';
import { type Answer, type Conversation, Garbage, type Request } from './conversation.ts';
import type { ForeignDoor, ForeignEvents } from './events.ts';

/**
 * One foreign agent's connection: cuts requests out of octets, answers each, waits where the other side is slow,
 * and ends where it talks garbage. What is in hand is answered before a closing door closes it.
 */
export interface ConnectionParts {
  readonly door: ForeignDoor;
  /** Address, or `unix`. */
  readonly client: string;
  readonly conversation: Conversation;
  readonly events: ForeignEvents;
  /** Milliseconds for an answer; Postfix waits ten seconds for a login. */
  readonly answerMs: number;
  /** Milliseconds for a request to come whole, and for an answer to be taken. */
  readonly patienceMs: number;
}

export class ForeignConnection {
  readonly #socket: Socket;
  readonly #parts: ConnectionParts;
  #chunks: Buffer[] = [];
  #octets = 0;
  /** Octets without which asking the conversation again is vain. */
  #need = 1;
  #inHand = 0;
  #finishing = false;
  /** The client has said all that it wants to. */
  #ended = false;
  #closed = false;
  /** Since when we wait for the other side. */
  #since = performance.now();

  constructor(socket: Socket, parts: ConnectionParts) {
    this.#socket = socket;
    this.#parts = parts;
    socket.on('error', () => socket.destroy());
    socket.on('close', () => (this.#closed = true));
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('drain', () => {
      this.#since = performance.now();
      this.#pump();
    });
    socket.on('end', () => {
      this.#ended = true;
      this.#pump();
      this.#endIfDone();
    });
    if (parts.conversation.greeting !== '') socket.write(parts.conversation.greeting);
  }

  /** Reads nothing more; ends when what is in hand is answered. */
  finish(): void {
    this.#finishing = true;
    this.#endIfDone();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Called every few seconds: ends who is too slow. */
  tick(now: number): void {
    if (now - this.#since < this.#parts.patienceMs) return;
    if (this.#closed) this.#socket.destroy();
    else if (this.#socket.writableNeedDrain) this.#fault('does not take its answers');
    else if (this.#inHand < this.#parts.conversation.parallel && this.#isOwedInput())
      this.#fault('a request did not come whole in time');
  }

  #isOwedInput(): boolean {
    return this.#octets > 0 || !this.#parts.conversation.ready;
  }

  #take(chunk: Buffer): void {
    if (this.#finishing || this.#closed) return;
    if (this.#octets === 0 && this.#parts.conversation.ready) this.#since = performance.now();
    this.#chunks.push(chunk);
    this.#octets += chunk.length;
    this.#pump();
  }

  /** Works on what has come, as far as there is room for it. */
  #pump(): void {
    try {
      while (this.#hasRoom() && this.#octets >= this.#need) {
        const octets = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
        const request = this.#parts.conversation.next(octets);
        if ('need' in request) {
          this.#chunks = [octets];
          this.#need = request.need;
          break;
        }
        const rest = octets.subarray(request.length);
        this.#chunks = rest.length === 0 ? [] : [rest];
        this.#octets = rest.length;
        this.#need = 1;
        this.#since = performance.now();
        if (request.answer !== undefined) this.#work(request, request.answer);
      }
    } catch (error) {
      if (!(error instanceof Garbage)) this.#parts.events.failed(this.#parts.door, error);
      this.#fault(error instanceof Garbage ? error.message : 'internal error');
    }
    if (this.#closed) return;
    if (this.#hasRoom()) this.#socket.resume();
    else this.#socket.pause();
  }

  #hasRoom(): boolean {
    return (
      !this.#closed &&
      !this.#finishing &&
      this.#inHand < this.#parts.conversation.parallel &&
      !this.#socket.writableNeedDrain
    );
  }

  #work(request: Request, answer: NonNullable<Request['answer']>): void {
    const { door, events, conversation, answerMs } = this.#parts;
    this.#inHand++;
    let done = false;
    const say = (made: () => Answer): void => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      this.#inHand--;
      this.#say(made());
    };
    const timer = setTimeout(() => {
      events.late(door);
      say(() => conversation.trouble(request, 'late'));
    }, answerMs);
    settled(answer).then(
      (made) => say(() => made),
      (error: unknown) => {
        events.failed(door, error);
        say(() => conversation.trouble(request, 'failed'));
      },
    );
  }

  #say({ text, result, hangUp }: Answer): void {
    this.#parts.events.answered(this.#parts.door, result);
    if (this.#closed) return;
    if (text.length > 0) this.#socket.write(text);
    this.#since = performance.now();
    if (hangUp === true) this.#finishing = true;
    this.#pump();
    this.#endIfDone();
  }

  #endIfDone(): void {
    if ((this.#finishing || this.#ended) && this.#inHand === 0 && !this.#closed) this.#end();
  }

  #fault(why: string): void {
    if (this.#closed) return;
    this.#parts.events.closed(this.#parts.door, this.#parts.client, why);
    this.#closed = true;
    this.#socket.destroy();
  }

  /** What was written still goes out; who does not take it is cut off by `tick`, or by the door's deadline. */
  #end(): void {
    this.#closed = true;
    this.#since = performance.now();
    this.#socket.resume();
    this.#socket.end(() => this.#socket.destroySoon());
  }
}

/** Begins at once; what is thrown at once is a rejection too. */
async function settled(answer: NonNullable<Request['answer']>): Promise<Answer> {
  return answer();
}
