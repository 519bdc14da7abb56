/**
 * Serves IMAP on one connection: octets → commands → the table's handlers → answers. Commands are done one
 * after the other, whatever the client pipelines (RFC 3501 §5.5), and here is the only catch.
 */
import { bad, bye, CommandReader, continuation, no, ok, type Command, type ReaderEvent } from '@waybill/imap';
import type { Connection } from '@waybill/listener';
import { capabilities } from './capabilities.ts';
import { COMMANDS, type Row } from './commands.ts';
import { answerFor } from './failure.ts';
import { Output } from './output.ts';
import { Bye, Gone, No } from './replies.ts';
import { Session, type Surroundings } from './session.ts';

/** Octets that may wait while a command runs; then the client is not read from. */
const READ_AHEAD = 65_536;
/** Commands that cannot be understood, in a row, before the session ends. */
const MISTAKES_BEFORE_LOGIN = 3;
const MISTAKES_AFTER_LOGIN = 50;

/** Serves until the client or the server ends it. Never throws; every error ends in an answer or the log. */
export function serveImap(connection: Connection, around: Surroundings): void {
  new Dialogue(connection, around).begin();
}

class Dialogue {
  readonly #connection: Connection;
  readonly #around: Surroundings;
  readonly #output: Output;
  readonly #session: Session;
  #reader: CommandReader;
  #busy = false;
  #pumping = false;
  #paused = false;
  #peerEnded = false;
  #mistakes = 0;
  #wantedLine: { resolve: (line: Buffer) => void; reject: (error: Gone) => void } | undefined;
  readonly #since: number;

  constructor(connection: Connection, around: Surroundings) {
    this.#connection = connection;
    this.#around = around;
    this.#reader = new CommandReader({ maxAppend: around.maxAppend });
    this.#output = new Output(connection);
    this.#session = new Session(connection, around, this.#output, () => this.#askLine());
    this.#since = connection.now;
  }

  begin(): void {
    const connection = this.#connection;
    connection.onClose((reason) => {
      this.#wantedLine?.reject(new Gone());
      this.#wantedLine = undefined;
      this.#session.dispose();
      this.#around.events.closed(this.#session.facts, reason);
    });
    connection.setIdle(this.#around.timing.idleMs, () => this.#idled());
    connection.onTick((now) => this.#tick(now));
    connection.onEnd(() => {
      this.#peerEnded = true;
      this.#pump();
    });
    this.#greet();
    connection.onFinish(() => this.#finish());
    connection.onData((chunk) => {
      this.#reader.feed(chunk);
      if (this.#busy && this.#reader.buffered > READ_AHEAD && !this.#paused) {
        this.#paused = true;
        connection.pause();
      }
      this.#pump();
    });
  }

  #greet(): void {
    const code = `CAPABILITY ${capabilities(this.#session).join(' ')}`;
    this.#output.text(ok(null, `${this.#around.hostname} is ready`, code));
    this.#output.flush();
  }

  /** Does what the client sent, as far as it can be done now. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      const session = this.#session;
      // Behind STARTTLS nothing is read: it came in clear.
      while (!session.ended && !session.startTls && (!this.#busy || this.#wantedLine !== undefined)) {
        if (this.#output.blocked && !this.#busy) {
          this.#later(this.#output.room());
          break;
        }
        const event = this.#reader.next();
        if (event === null) break;
        this.#take(event);
      }
      this.#output.flush();
      this.#settle();
    } finally {
      this.#pumping = false;
    }
  }

  #later(room: Promise<void> | undefined): void {
    if (room === undefined) return;
    this.#busy = true;
    room.then(
      () => this.#done(),
      () => undefined,
    );
  }

  #done(): void {
    this.#busy = false;
    if (this.#paused && this.#reader.buffered <= READ_AHEAD) {
      this.#paused = false;
      this.#connection.resume();
    }
    this.#pump();
  }

  /** Between commands: the moments at which a session may end or change its transport. */
  #settle(): void {
    // Nobody will send the line that a SASL exchange or IDLE waits for.
    if (this.#wantedLine !== undefined && this.#peerEnded) this.#output.end();
    if (this.#busy) return;
    if (this.#session.ended) {
      this.#session.dispose();
      this.#output.end();
      return;
    }
    if (this.#session.startTls) this.#startTls();
    else if (this.#connection.finishing) this.#sayBye('The server is restarting', 'UNAVAILABLE');
    else if (this.#peerEnded) this.#output.end();
    if (this.#paused && this.#reader.buffered <= READ_AHEAD) {
      this.#paused = false;
      this.#connection.resume();
    }
  }

  #take(event: ReaderEvent): void {
    switch (event.kind) {
      case 'command':
        this.#mistakes = 0;
        this.#run(event.command);
        return;
      case 'continue':
        this.#output.text(continuation('go ahead'));
        return;
      case 'line': {
        const wanted = this.#wantedLine;
        this.#wantedLine = undefined;
        wanted?.resolve(event.octets);
        return;
      }
      case 'bad':
        this.#refuse(event);
    }
  }

  #refuse(event: ReaderEvent & { kind: 'bad' }): void {
    const { tag, status, text, fatal } = event;
    this.#around.events.command('imap', 'unreadable', 'bad');
    if (status === 'BAD') this.#output.text(bad(tag, text));
    else this.#output.text(noWithCode(tag, text));
    this.#mistakes += 1;
    const most = this.#session.account === undefined ? MISTAKES_BEFORE_LOGIN : MISTAKES_AFTER_LOGIN;
    if (fatal) this.#sayBye('What was sent cannot be read on');
    else if (this.#mistakes >= most) this.#sayBye('Too many commands that cannot be understood');
  }

  #run(command: Command): void {
    const row = COMMANDS[command.verb] as Row;
    if (!row.states.includes(this.#session.state)) {
      this.#around.events.command('imap', command.verb, 'bad');
      this.#output.text(
        bad(command.tag, `${command.verb} is not possible in the state "${this.#session.state}"`),
      );
      return;
    }
    this.#busy = true;
    this.#perform(row, command).then(
      () => this.#done(),
      (error: unknown) => {
        this.#around.events.bug(this.#session.facts, command.verb, error);
        this.#connection.destroy('internal error');
      },
    );
  }

  async #perform(row: Row, command: Command): Promise<void> {
    const session = this.#session;
    const { verb, tag } = command;
    try {
      const before = session.account;
      if (session.view !== undefined && row.fresh !== 'no') {
        await this.#freshen(row.fresh === 'always');
        await session.tell(false);
      }
      const completion = await row.run(session, command);
      if (session.view !== undefined && row.fresh !== 'no') await session.tell(row.mayExpunge(command));
      if (before === undefined && session.account !== undefined) this.#reader.setAuthenticated(true);
      this.#output.text(ok(tag, completion?.text ?? `${verb} done`, completion?.code));
      this.#around.events.command('imap', verb, 'ok');
    } catch (error) {
      this.#answer(error, command);
    }
    this.#output.flush();
  }

  async #freshen(always: boolean): Promise<void> {
    const mailbox = this.#session.selected.mailbox;
    if (always || performance.now() - mailbox.checkedAt > this.#around.timing.freshMs)
      await mailbox.refresh();
    // RFC 2180 §3.3: a client whose mailbox was deleted elsewhere is best told so at once.
    if (mailbox.gone) throw new Bye('The selected mailbox was deleted');
  }

  #answer(error: unknown, { verb, tag }: Command): void {
    const { answer, fault } = answerFor(error);
    if (fault !== undefined) this.#around.events[fault](this.#session.facts, verb, error);
    if (answer instanceof Gone) return;
    if (answer instanceof Bye) {
      if (answer.tagged !== undefined) this.#output.text(no(tag, answer.tagged.message, answer.tagged.code));
      this.#around.events.command('imap', verb, 'bye');
      this.#sayBye(answer.message, answer.code);
      return;
    }
    if (answer instanceof No) this.#output.text(no(tag, answer.message, answer.code));
    else this.#output.text(bad(tag, answer.message));
    this.#around.events.command('imap', verb, answer instanceof No ? 'no' : 'bad');
  }

  #sayBye(text: string, code?: string): void {
    if (this.#session.ended) return;
    this.#output.text(bye(text, code));
    this.#session.ended = true;
    if (!this.#busy) this.#session.dispose();
    this.#output.end();
  }

  /** A line that is no command: a SASL response, or IDLE's DONE. */
  #askLine(): Promise<Buffer> {
    if (this.#connection.closed) return Promise.reject(new Gone());
    this.#reader.expectLine();
    const line = new Promise<Buffer>((resolve, reject) => {
      this.#wantedLine = { resolve, reject };
    });
    this.#output.flush();
    // The client may have sent it already.
    queueMicrotask(() => this.#pump());
    return line;
  }

  #startTls(): void {
    this.#session.startTls = false;
    // RFC 3501 §6.2.1: what came in clear behind STARTTLS counts for nothing; who sends it is not a friend.
    if (this.#reader.buffered > 0 || !this.#connection.startTls(() => this.#pump())) {
      this.#connection.destroy('octets in clear behind STARTTLS');
      return;
    }
    this.#reader = new CommandReader({ maxAppend: this.#around.maxAppend });
    this.#mistakes = 0;
  }

  #tick(now: number): void {
    if (this.#session.account === undefined && now - this.#since > this.#around.timing.loginMs)
      this.#sayBye('Log in sooner');
    else this.#session.onTick?.(now);
  }

  #idled(): void {
    if (this.#session.ended) {
      this.#connection.destroy('the client takes nothing');
      return;
    }
    // A command that is still being answered is no idleness, unless the client takes nothing of the answer.
    if (this.#busy && this.#session.onTick === undefined) {
      if (this.#output.blocked) this.#connection.destroy('the client takes nothing');
      return;
    }
    this.#sayBye('Autologout: nothing was heard for too long');
  }

  #finish(): void {
    if (this.#session.onFinish !== undefined) this.#session.onFinish();
    else if (!this.#busy) this.#sayBye('The server is restarting', 'UNAVAILABLE');
  }
}

/** A reader's NO brings its code in front of its text. */
function noWithCode(tag: string | null, text: string): string {
  const end = text.startsWith('[') ? text.indexOf('] ') : -1;
  return end === -1 ? no(tag, text) : no(tag, text.slice(end + 2), text.slice(1, end));
}
