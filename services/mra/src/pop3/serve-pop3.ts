/**
 * A POP3 session on its connection: lines are handled one after the other in the order they came (pipelining,
 * RFC 2449 §6.6), answers go out no faster than the client takes them, and silence ends it.
 */
import type { Connection } from '@waybill/listener';
import { LineReader, type Line } from './line-reader.ts';
import { Pop3Session, type Pop3Deps, type Reply } from './session.ts';

/** Octets that may wait behind a command that is being handled; beyond, the socket is not read. */
const MAX_WAITING = 8_192;

/** Serves the connection to its end. On a port of implicit TLS call it when TLS is up. */
export function servePop3(connection: Connection, deps: Pop3Deps): void {
  new Conversation(connection, deps).begin();
}

class Conversation {
  readonly #connection: Connection;
  readonly #deps: Pop3Deps;
  readonly #session: Pop3Session;
  readonly #lines = new LineReader();
  #busy = false;
  #paused = false;
  #securing = false;
  /** Goes on with an answer when the client has taken what was written. */
  #proceed: (() => void) | undefined;
  /** How often the client has taken all that was written, and how often when it was last seen silent. */
  #taken = 0;
  #takenThen = -1;
  #autologoutSet = false;
  #delay: NodeJS.Timeout | undefined;

  constructor(connection: Connection, deps: Pop3Deps) {
    this.#connection = connection;
    this.#deps = deps;
    this.#session = new Pop3Session(
      deps,
      () => ({
        sessionId: connection.sessionId,
        protocol: 'pop3',
        remoteAddress: connection.remoteAddress,
        tls: connection.tls?.protocol,
      }),
      () => connection.canStartTls,
    );
  }

  begin(): void {
    const connection = this.#connection;
    connection.onClose((reason) => {
      clearTimeout(this.#delay);
      this.#session.closed();
      this.#deps.events.closed(this.#session.facts, reason);
      this.#release();
    });
    connection.onDrain(() => this.#release());
    connection.setIdle(this.#deps.timers?.beforeLogin ?? 60_000, () => this.#silent());
    connection.write(this.#session.greeting());
    connection.onFinish(() => this.#finish());
    connection.onData((chunk) => this.#take(chunk));
  }

  #take(chunk: Buffer): void {
    this.#lines.feed(chunk);
    if (!this.#busy) this.#work();
    else if (!this.#paused && this.#lines.buffered > MAX_WAITING) {
      this.#paused = true;
      this.#connection.pause();
    }
  }

  /** Handles the lines that are here, until one must wait. */
  #work(): void {
    while (!this.#busy && !this.#connection.closed) {
      const line = this.#lines.next();
      if (line === null) break;
      this.#busy = true;
      const reply = this.#answer(line);
      if (reply instanceof Promise) {
        void this.#sendLater(reply);
        return;
      }
      this.#send(reply);
    }
    if (!this.#busy && this.#paused) {
      this.#paused = false;
      this.#connection.resume();
    }
    if (!this.#busy && this.#connection.finishing) this.#finish();
  }

  async #sendLater(reply: Promise<Reply>): Promise<void> {
    this.#send(await reply);
    this.#work();
  }

  #answer(line: Line): Reply | Promise<Reply> {
    if (line === 'endless') return { text: '-ERR The line has no end\r\n', then: 'close' };
    if (line === 'too-long') return this.#session.mistake('The line is too long');
    if (line === 'no-crlf') return this.#session.mistake('Lines end with CRLF');
    return this.#session.handle(line);
  }

  /** Sends a reply; `#busy` ends when all of it is on its way. */
  #send(reply: Reply): void {
    if (this.#connection.closed) return;
    if (reply.delay !== undefined && reply.delay > 0) {
      const { delay: milliseconds, ...rest } = reply;
      this.#delay = setTimeout(() => {
        this.#send(rest);
        this.#work();
      }, milliseconds);
      return;
    }
    const connection = this.#connection;
    if (reply.content === undefined) {
      const ready = connection.write(reply.text);
      if (ready || reply.then !== undefined) this.#sent(reply);
      else this.#proceed = () => this.#sent(reply);
      return;
    }
    connection.cork();
    connection.write(reply.text);
    this.#stream(reply, reply.content[Symbol.iterator]());
    connection.uncork();
  }

  #stream(reply: Reply, content: Iterator<Buffer>): void {
    for (let piece = content.next(); piece.done !== true; piece = content.next()) {
      if (!this.#connection.write(piece.value)) {
        this.#proceed = () => this.#stream(reply, content);
        return;
      }
    }
    this.#sent(reply);
  }

  #sent(reply: Reply): void {
    this.#busy = false;
    if (this.#session.loggedIn && !this.#autologoutSet) {
      this.#autologoutSet = true;
      this.#connection.setIdle(this.#deps.timers?.autologout ?? 600_000, () => this.#silent());
    }
    if (reply.then === 'close') {
      this.#busy = true;
      this.#connection.end();
    } else if (reply.then === 'tls') {
      this.#startTls();
    }
  }

  #startTls(): void {
    this.#busy = true;
    // Octets behind STLS came in clear and pretend to be secure: RFC 2595 §4, and F-46 of every STARTTLS.
    if (this.#lines.buffered > 0) {
      this.#connection.destroy('octets behind STLS');
      return;
    }
    this.#securing = true;
    const started = this.#connection.startTls(() => {
      this.#securing = false;
      this.#session.secured();
      this.#busy = false;
      this.#work();
    });
    if (!started) this.#connection.destroy('octets behind STLS');
  }

  /** The client has taken all that was written, or is gone. */
  #release(): void {
    this.#taken += 1;
    const proceed = this.#proceed;
    this.#proceed = undefined;
    if (proceed === undefined || this.#connection.closed) return;
    proceed();
    this.#work();
  }

  /** Nothing came for a while. A client that is still taking a long answer is not silent. */
  #silent(): void {
    if (this.#busy) {
      if (this.#connection.unsent === 0 || this.#taken !== this.#takenThen) {
        this.#takenThen = this.#taken;
        return;
      }
      this.#connection.destroy('the client takes no more octets');
      return;
    }
    // RFC 1939 §3: no update, and no answer either.
    this.#connection.end();
  }

  /** The listener drains. Marks of deletion are waited for: QUIT or the listener's deadline ends them. */
  #finish(): void {
    if (!this.#busy && !this.#securing && !this.#session.hasDeletions) this.#connection.end();
  }
}
