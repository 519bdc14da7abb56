import { ClientTrouble } from './client-trouble.ts';
import { LineSocket, type Place } from './line-socket.ts';

export interface ImapDoor extends Place {
  readonly ca: string;
  readonly servername: string;
}

/** One IMAP conversation over TLS, with none of the suite's code in it, for answers without literals. */
export class ImapSession {
  readonly #socket: LineSocket;
  #tag = 0;

  private constructor(socket: LineSocket) {
    this.#socket = socket;
  }

  /** Connects and waits for the greeting. @throws ClientTrouble */
  static async open(door: ImapDoor): Promise<ImapSession> {
    const socket = await LineSocket.connect(door);
    try {
      await socket.secure(door.ca, door.servername);
      const greeting = await socket.line();
      if (greeting === undefined) throw withoutAWord(socket, 'greeting', true);
      if (greeting.text.startsWith('* BYE'))
        throw new ClientTrouble('goodbye-greeting', 'greeting', greeting.text, greeting.at);
      return new ImapSession(socket);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** Sends a command and gives its untagged answers. @throws ClientTrouble unless it is OK; the session is over then */
  async ok(command: string): Promise<readonly string[]> {
    const moment = command.split(' ', 1)[0] ?? '';
    const socket = this.#socket;
    try {
      const unasked = socket.waiting.find((line) => line.text.startsWith('* BYE'));
      if (unasked !== undefined) throw new ClientTrouble('goodbye', 'between', unasked.text, unasked.at);
      if (socket.ended !== undefined) throw withoutAWord(socket, 'between', false);
      const tag = `c${++this.#tag}`;
      socket.write(`${tag} ${command}\r\n`);
      const untagged: string[] = [];
      for (;;) {
        const line = await socket.line();
        if (line === undefined) throw withoutAWord(socket, moment, true);
        if (line.text.startsWith(`${tag} OK`)) return untagged;
        if (line.text.startsWith('* BYE') && moment !== 'LOGOUT')
          // Nothing of the answer was said yet: it left before it looked at the command.
          throw new ClientTrouble(
            untagged.length === 0 ? 'goodbye' : 'goodbye-midway',
            moment,
            line.text,
            line.at,
          );
        if (line.text.startsWith(`${tag} `))
          throw new ClientTrouble(
            line.text.includes('[UNAVAILABLE]') ? 'temporary' : 'permanent',
            moment,
            line.text.slice(tag.length + 1),
            line.at,
          );
        untagged.push(line.text);
      }
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /**
   * IDLE for `ms`, then DONE; calls `heard` for each untagged line. A close() ends it as well.
   * @throws ClientTrouble
   */
  async idle(ms: number, heard: (line: string) => void): Promise<void> {
    const socket = this.#socket;
    const until = Date.now() + ms;
    const tag = `c${++this.#tag}`;
    let finishing = false;
    socket.write(`${tag} IDLE\r\n`);
    try {
      for (;;) {
        const line = await socket.line(finishing ? undefined : Math.max(1, until - Date.now()));
        if (line === undefined) {
          if (socket.ended !== undefined || finishing) throw withoutAWord(socket, 'idle', finishing);
          finishing = true;
          socket.write('DONE\r\n');
        } else if (line.text.startsWith('* BYE'))
          throw new ClientTrouble('goodbye', 'idle', line.text, line.at);
        else if (line.text.startsWith(`${tag} OK`)) return;
        else if (line.text.startsWith(`${tag} `))
          throw new ClientTrouble('temporary', 'idle', line.text.slice(tag.length + 1), line.at);
        else heard(line.text);
      }
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  close(): void {
    this.#socket.close();
  }
}

function withoutAWord(socket: LineSocket, moment: string, underWay: boolean): ClientTrouble {
  const { ended } = socket;
  if (ended === undefined) return new ClientTrouble('silence', moment, 'no answer', Date.now());
  return new ClientTrouble(underWay ? 'closed-midway' : 'closed', moment, ended.why, ended.at);
}
