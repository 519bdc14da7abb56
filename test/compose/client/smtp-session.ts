import { ClientTrouble, type TroubleKind } from './client-trouble.ts';
import { LineSocket, type Place } from './line-socket.ts';

/** A door of the edge, as a writer's program is set up for it. */
export interface SmtpDoor extends Place {
  /** `clear` is what a stranger's server does on 25; the others log in. */
  readonly security: 'clear' | 'starttls' | 'tls';
  readonly ca: string;
  readonly servername: string;
  readonly auth?: { readonly username: string; readonly password: string };
}

/** One SMTP conversation, with none of the suite's code in it, that can tell where 421 and the end came. */
export class SmtpSession {
  readonly #socket: LineSocket;
  /** From MAIL until the answer to the final dot. */
  #midway = false;

  private constructor(socket: LineSocket) {
    this.#socket = socket;
  }

  /** Connects, says EHLO, logs in. @throws ClientTrouble */
  static async open(door: SmtpDoor): Promise<SmtpSession> {
    const socket = await LineSocket.connect(door);
    const session = new SmtpSession(socket);
    try {
      if (door.security === 'tls') await socket.secure(door.ca, door.servername);
      await session.#expect('220', 'greeting');
      await session.#say('EHLO ledger.example', '250');
      if (door.security === 'starttls') {
        await session.#say('STARTTLS', '220');
        await socket.secure(door.ca, door.servername);
        await session.#say('EHLO ledger.example', '250');
      }
      if (door.auth !== undefined) {
        const { username, password } = door.auth;
        await session.#say(
          `AUTH PLAIN ${Buffer.from(`\0${username}\0${password}`).toString('base64')}`,
          '235',
        );
      }
      return session;
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** Resolves at the 250 that makes the message theirs. @throws ClientTrouble; the session is over then */
  async send(from: string, to: string, message: string): Promise<void> {
    try {
      await this.#say(`MAIL FROM:<${from}>`, '250');
      this.#midway = true;
      await this.#say(`RCPT TO:<${to}>`, '250');
      await this.#say('DATA', '354');
      await this.#say(`${message}\r\n.`, '250', 'dot');
      this.#midway = false;
    } catch (error) {
      this.#socket.close();
      throw error;
    }
  }

  /** Says QUIT and waits for the answer; whatever comes then is no trouble any more. */
  async quit(): Promise<void> {
    if (this.#socket.ended === undefined) {
      this.#socket.write('QUIT\r\n');
      await this.#socket.line(5000);
    }
    this.#socket.close();
  }

  async #say(text: string, wanted: string, moment: string = text.split(' ', 1)[0] ?? ''): Promise<void> {
    if (this.#socket.ended === undefined && this.#socket.waiting.length === 0) {
      this.#socket.write(`${text}\r\n`);
      return this.#expect(wanted, moment);
    }
    // It said something, or left, before it was asked.
    return this.#expect(wanted, 'between');
  }

  async #expect(wanted: string, moment: string): Promise<void> {
    for (;;) {
      const line = await this.#socket.line();
      if (line === undefined) throw this.#withoutAWord(moment);
      if (line.text[3] === '-') continue;
      if (line.text.startsWith(wanted) && moment !== 'between') return;
      throw new ClientTrouble(this.#kindOf(line.text, moment), moment, line.text, line.at);
    }
  }

  #withoutAWord(moment: string): ClientTrouble {
    const { ended } = this.#socket;
    if (ended === undefined) return new ClientTrouble('silence', moment, 'no answer', Date.now());
    const underWay = this.#midway || moment === 'MAIL' || moment !== 'between';
    return new ClientTrouble(underWay ? 'closed-midway' : 'closed', moment, ended.why, ended.at);
  }

  #kindOf(answer: string, moment: string): TroubleKind {
    if (answer.startsWith('421')) {
      if (moment === 'greeting') return 'goodbye-greeting';
      return this.#midway ? 'goodbye-midway' : 'goodbye';
    }
    return answer.startsWith('4') ? 'temporary' : 'permanent';
  }
}
