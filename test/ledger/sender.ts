import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';

/** A plain SMTP sender with no code of the suite in it: one connection, one message at a time. */
export interface Door {
  readonly ports: readonly number[];
  /** PEM: implicit TLS with this authority; undefined: in clear. */
  readonly ca?: string;
  readonly auth?: { readonly username: string; readonly password: string };
}

/** The conversation ended early, or somebody said no. `answered`: the server did say something about this message. */
export class SendError extends Error {
  readonly answered: boolean;
  constructor(message: string, answered: boolean) {
    super(message);
    this.answered = answered;
  }
}

/** How long any one answer may take. */
const PATIENCE_MS = 60_000;

export class Sender {
  readonly #door: Door;
  #socket: net.Socket | undefined;
  #lines: string[] = [];
  #partial = '';
  #wake: (() => void) | undefined;
  #gone = true;
  #turn: number;

  /** @param turn which of the door's ports to begin with; each new connection takes the next. */
  constructor(door: Door, turn: number) {
    this.#door = door;
    this.#turn = turn;
  }

  /** Sends one message and resolves at its 250. @throws SendError for everything else; the next call connects anew if need be. */
  async send(from: string, to: string, message: string): Promise<void> {
    if (this.#gone) await this.#connect();
    await this.#say(`MAIL FROM:<${from}>`, 250);
    await this.#say(`RCPT TO:<${to}>`, 250);
    await this.#say('DATA', 354);
    await this.#say(`${message}\r\n.`, 250);
  }

  close(): void {
    this.#socket?.destroy();
  }

  async #connect(): Promise<void> {
    const port = this.#door.ports[this.#turn++ % this.#door.ports.length] ?? 0;
    const socket =
      this.#door.ca === undefined
        ? net.connect(port, '127.0.0.1')
        : tls.connect({ port, host: '127.0.0.1', ca: this.#door.ca, servername: 'localhost' });
    this.#socket = socket;
    this.#lines = [];
    this.#partial = '';
    this.#gone = false;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.setTimeout(PATIENCE_MS, () => socket.destroy());
    const gone = (): void => {
      if (this.#socket !== socket) return;
      this.#gone = true;
      this.#wake?.();
    };
    socket.on('error', gone);
    socket.on('close', gone);
    socket.on('data', (text: string) => {
      const lines = (this.#partial + text).split('\r\n');
      this.#partial = lines.pop() ?? '';
      this.#lines.push(...lines);
      this.#wake?.();
    });
    await Promise.race([
      once(socket, this.#door.ca === undefined ? 'connect' : 'secureConnect'),
      once(socket, 'close'),
    ]).catch(() => undefined);
    await this.#expect(220, 'the greeting');
    await this.#say('EHLO ledger.example', 250);
    const { auth } = this.#door;
    if (auth !== undefined)
      await this.#say(
        `AUTH PLAIN ${Buffer.from(`\0${auth.username}\0${auth.password}`).toString('base64')}`,
        235,
      );
  }

  async #say(text: string, wanted: number): Promise<void> {
    if (this.#gone) throw new SendError('the connection was lost', false);
    this.#socket?.write(`${text}\r\n`, 'latin1');
    await this.#expect(wanted, text.slice(0, 40).split(/\s/, 1)[0] ?? '');
  }

  async #expect(wanted: number, about: string): Promise<void> {
    for (;;) {
      const line = this.#lines.shift();
      if (line === undefined) {
        if (this.#gone) throw new SendError(`the connection was lost after ${about}`, false);
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      if (line[3] === '-') continue;
      if (line.startsWith(String(wanted))) return;
      this.#gone = true;
      this.#socket?.destroy();
      throw new SendError(line, true);
    }
  }
}
