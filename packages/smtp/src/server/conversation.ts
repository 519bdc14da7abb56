import type { Connection } from '@waybill/listener';
import { isAscii, isUtf8 } from 'node:buffer';
import { type Reply, reply } from '../reply.ts';
import { readCommand } from './commands.ts';
import { Inbox } from './inbox.ts';
import { lineLimit, LineReader } from './line-reader.ts';
import { MessagePhase } from './message-phase.ts';
import {
  DEFAULT_LIMITS,
  DEFAULT_TIMERS,
  type Limits,
  type SmtpServerOptions,
  type Timers,
} from './options.ts';
import { Outbox } from './outbox.ts';
import { Pace } from './pace.ts';
import { peerOf } from './peer.ts';
import * as said from './replies.ts';
import type { Exchange } from './auth-command.ts';
import type { Peer, SmtpSession } from './session.ts';
import { Tally } from './tally.ts';
import { Transcript } from './transcript.ts';

/** The envelope so far. */
export interface Transaction {
  readonly smtputf8: boolean;
  /** Accepted RCPT commands. */
  recipients: number;
  /** A chunk of its message was refused: nothing will come of it (RFC 3030 §2). */
  spoilt: boolean;
}

/**
 * Serves one connection until it ends. Returns at once; everything is reported through the session and the
 * options. Nothing that a client sends can make it throw.
 */
export function serveSmtp(connection: Connection, options: SmtpServerOptions, session: SmtpSession): void {
  new Conversation(connection, options, session).begin();
}

/** No command holds a control character; tabs are let pass as white space. */
const CONTROLS = /[^\P{Cc}\t]/u;

/**
 * One conversation: takes octets, cuts commands and messages out of them, keeps the order, gathers replies.
 * At most one method of the session runs at a time; what the client sent ahead waits.
 */
export class Conversation {
  readonly connection: Connection;
  readonly options: SmtpServerOptions;
  readonly session: SmtpSession;
  readonly timers: Timers;
  readonly limits: Limits;
  readonly tally: Tally;
  peer: Peer;
  /** EHLO or LHLO (true), HELO (false), or neither yet. */
  extended: boolean | undefined;
  /** Keywords that the session added to the last EHLO or LHLO. */
  offered: readonly string[] = [];
  authenticated = false;
  transaction: Transaction | undefined;
  /** The last MAIL was refused: what a client sends behind it unasked (RFC 2920) is no new mistake. */
  senderRefused = false;
  exchange: Exchange | undefined;
  /** AUTH was the last command that we know: lines that are none may be what it did not ask for. */
  secretsAhead = false;
  readonly transcript: Transcript | undefined;

  /** Where the octets of a message go. */
  readonly message: MessagePhase;

  #lines: LineReader;
  readonly #pace: Pace;
  readonly #inbox = new Inbox();
  /** A session's answer, a delay or a handshake is awaited. */
  #busy = false;
  #pumping = false;
  #paused = false;
  #over = false;
  #peerEnded = false;
  #late: NodeJS.Timeout | undefined;
  readonly #outTurn: boolean;
  readonly #outbox: Outbox;

  constructor(connection: Connection, options: SmtpServerOptions, session: SmtpSession) {
    this.connection = connection;
    this.options = options;
    this.session = session;
    this.timers = { ...DEFAULT_TIMERS, ...options.timers };
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.tally = new Tally(this.limits);
    this.#lines = new LineReader(options.bareLineEnds, this.limits.endlessLine);
    this.peer = peerOf(this.connection);
    this.#pace = new Pace(this.timers, this.limits, connection.now);
    this.transcript = options.onTranscript === undefined ? undefined : new Transcript();
    this.#outbox = new Outbox(connection, this.transcript);
    this.message = new MessagePhase(this);
    this.#outTurn = options.outOfTurn ?? (options.protocol === 'lmtp' || options.auth);
  }

  begin(): void {
    const { connection } = this;
    connection.onClose((reason) => this.#closed(reason));
    connection.onEnd(() => {
      this.#peerEnded = true;
      this.#pump();
    });
    connection.onDrain(() => {
      this.#outbox.blocked = false;
      this.#pump();
    });
    connection.onTick((now) => this.#watch(now));
    if (this.#outTurn) {
      this.#greet();
      if (!this.#over) connection.onData((chunk) => this.#take(chunk));
      return;
    }
    this.#busy = true;
    connection.onData((chunk) => this.#take(chunk));
    // The second turn comes after the loop has read all that lay there when the connection was taken.
    setImmediate(() =>
      setImmediate(() => {
        if (this.#over) return;
        this.#busy = false;
        if (!this.talksOutOfTurn()) this.#greet();
        this.#pump();
      }),
    );
  }

  #greet(): void {
    this.say(said.greeting(this.options));
    this.connection.onFinish(() => this.#finish());
    if (!this.#over) this.#outbox.flush();
  }

  // What commands use.

  /** Sends a reply; the conversation goes on. */
  say(answer: Reply): void {
    this.#outbox.say(answer);
  }

  /** A mistake of the client: counted, from some number on answered late, and at last answered with 421. */
  mistake(answer: Reply): void {
    this.#refuse(answer, this.peer.agent === undefined ? this.tally.mistake() : 'at-once');
  }

  /** A refusal by the session. */
  refusal(answer: Reply): void {
    this.#refuse(answer, this.peer.agent === undefined ? this.tally.refusal() : 'at-once');
  }

  #refuse(answer: Reply, how: 'at-once' | 'late' | 'enough'): void {
    if (how === 'enough') {
      this.say(answer);
      this.end(said.TOO_MANY_ERRORS);
    } else if (how === 'late') {
      this.#outbox.flush();
      this.#busy = true;
      this.#late = setTimeout(() => {
        this.#busy = false;
        if (this.#over) return;
        this.say(answer);
        this.#pump();
      }, this.timers.errorDelay);
    } else this.say(answer);
  }

  /** A command that leads nowhere. */
  junk(answer: Reply): void {
    if (this.peer.agent === undefined && this.tally.junk()) this.end(said.TOO_MUCH_TALK);
    else this.say(answer);
  }

  /** The last reply, then the connection ends. */
  end(answer: Reply): void {
    if (this.#over) return;
    this.say(answer);
    this.#over = true;
    this.#outbox.end();
  }

  /** Goes on with an answer of the session, at once where it is no promise; what it threw is answered with 451. */
  answer<T>(phase: string, ask: () => T | Promise<T>, then: (answer: T) => void): void {
    let result: T | Promise<T>;
    try {
      result = ask();
    } catch (error) {
      this.#sessionFailed(error, phase);
      return;
    }
    if (!(result instanceof Promise)) {
      then(result);
      return;
    }
    this.#busy = true;
    result.then(
      (value) => this.#resume(() => then(value)),
      (error: unknown) => this.#resume(() => this.#sessionFailed(error, phase)),
    );
  }

  /** Ends the transaction and lets the session forget it. */
  reset(): void {
    this.transaction = undefined;
    this.senderRefused = false;
    this.message.drop();
    this.session.reset?.();
  }

  /** A command that needs a sender came without: a mistake, unless it was sent ahead behind a MAIL that was refused. */
  withoutSender(): void {
    if (this.senderRefused) this.junk(said.MAIL_FIRST);
    else this.mistake(said.MAIL_FIRST);
  }

  /** Nothing will come of this transaction; what still belongs to it is refused until RSET. */
  spoilTransaction(): void {
    this.message.drop();
    if (this.transaction !== undefined) this.transaction.spoilt = true;
  }

  /**
   * Ends the conversation with a client that goes on before it was answered where it must wait: for the greeting,
   * EHLO's answer or 354 (RFC 2920 §3.1, RFC 5321 §4.3.1). So do those who send to whatever listens.
   */
  talksOutOfTurn(): boolean {
    if (this.#outTurn || this.peer.agent !== undefined || !this.#inbox.more) return false;
    this.end(said.OUT_OF_TURN);
    return true;
  }

  /** The client's pace is measured from now on. */
  startPace(): void {
    this.#pace.startMessage(this.connection.now);
  }

  /** After 220: TLS, with everything forgotten that came in clear (RFC 3207 §4.2). */
  startTls(): void {
    // RFC 3207 §6: what came behind STARTTLS came in clear, whoever wrote it.
    if (this.#inbox.more) {
      this.end(said.NOTHING_BEHIND_STARTTLS);
      return;
    }
    this.say(said.READY_FOR_TLS);
    this.#outbox.flush();
    this.#busy = true;
    const started = this.connection.startTls(() => {
      this.peer = peerOf(this.connection);
      this.transcript?.note(`TLS ${this.peer.tls?.protocol ?? ''} ${this.peer.tls?.cipher ?? ''}`);
      this.extended = undefined;
      this.authenticated = false;
      this.offered = [];
      this.#lines = new LineReader(this.options.bareLineEnds, this.limits.endlessLine);
      this.#resume(() => this.reset());
    });
    if (!started) this.connection.destroy('octets before the TLS handshake');
  }

  // Octets in.

  #take(chunk: Buffer): void {
    if (this.#over) return;
    this.#inbox.push(chunk);
    this.#pump();
  }

  /** Works on what has come until something is awaited. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    const inbox = this.#inbox;
    try {
      while (!this.#busy && !this.#over && !this.#outbox.blocked && inbox.chunk !== undefined) {
        if (this.message.reading) inbox.advance(this.message.read(inbox.chunk, inbox.at));
        else this.#readLine(inbox.chunk);
        inbox.settle();
      }
    } catch (error) {
      this.#broken(error);
    }
    this.#pumping = false;
    if (this.#over) return;
    this.#outbox.flush();
    this.#throttle();
    const waiting = !this.#busy && inbox.chunk === undefined;
    if (waiting && this.#peerEnded) this.#endWithPeer();
    else if (waiting && this.connection.finishing) this.#finish();
  }

  /** A bug of ours: the client is told to come back. */
  #broken(error: unknown): void {
    this.options.onError?.(error, 'engine', this.peer);
    this.end(said.UNEXPECTED);
  }

  #throttle(): void {
    const full = this.#inbox.full || this.#outbox.blocked;
    if (full === this.#paused) return;
    this.#paused = full;
    if (full) this.connection.pause();
    else this.connection.resume();
  }

  #resume(goOn: () => void): void {
    if (this.#over) return;
    this.#busy = false;
    try {
      goOn();
    } catch (error) {
      this.#broken(error);
    }
    this.#pump();
  }

  // Commands.

  #readLine(chunk: Buffer): void {
    const limit = lineLimit(this, chunk, this.#inbox.at, this.#lines.midLine);
    const next = this.#lines.read(chunk, this.#inbox.at, limit);
    this.#inbox.advance(next);
    const { fault } = this.#lines;
    if (fault === 'endless') this.end(said.ENDLESS_LINE);
    else if (fault === 'bare') this.end(said.BARE_LINE_END);
    if (next === -1 || this.#over) return;
    if (fault === undefined) this.#handleLine(this.#lines.line);
    else this.#badLine(fault === 'long');
  }

  /** A line that nothing is made of; an AUTH exchange that it stood in is over with it. */
  #badLine(long: boolean): void {
    const within = this.exchange !== undefined;
    this.exchange = undefined;
    if (long) this.mistake(within ? said.LONG_AUTH_LINE : said.LONG_LINE);
    else this.mistake(said.BAD_OCTETS);
  }

  #handleLine(octets: Buffer): void {
    const ascii = isAscii(octets);
    const line = octets.toString(ascii ? 'latin1' : 'utf8');
    if ((!ascii && !isUtf8(octets)) || CONTROLS.test(line)) this.#badLine(false);
    else readCommand(this, line);
    // A boundary between commands: here a draining server says good-bye.
    if (this.connection.finishing) this.#finish();
  }

  #sessionFailed(error: unknown, phase: string): void {
    this.options.onError?.(error, phase, this.peer);
    this.say(said.UNEXPECTED);
  }

  // Time, and the end.

  #watch(now: number): void {
    if (this.#over || this.#busy) return;
    const complaint = this.#pace.complaint({
      now,
      lastActivity: this.connection.lastActivity,
      helloSaid: this.extended !== undefined,
      received: this.message.received,
    });
    if (complaint !== undefined) this.#timeout(complaint);
  }

  #timeout(why: string): void {
    this.message.drop();
    this.end(reply(421, '4.4.2', `${this.options.hostname} ${why}`));
  }

  /** Drain: good-bye at a boundary between commands; a message that is coming in is finished first. */
  #finish(): void {
    if (this.#over || this.#busy || this.message.open) return;
    this.end(said.goingDown(this.options.hostname));
  }

  #endWithPeer(): void {
    this.#over = true;
    if (this.message.open) this.connection.destroy('closed within a message');
    else this.connection.end();
  }

  #closed(reason: string): void {
    this.#over = true;
    clearTimeout(this.#late);
    this.message.drop();
    this.#inbox.clear();
    if (this.transcript !== undefined) {
      this.transcript.note(reason);
      this.options.onTranscript?.(this.transcript.text(), this.#outbox.failed, this.peer);
    }
    try {
      this.session.closed?.(reason);
    } catch (error) {
      this.options.onError?.(error, 'closed', this.peer);
    }
  }
}
