import type net from 'node:net';
import type { Door } from './job.ts';
import { connect } from './socket.ts';

/**
 * One IMAP session of a load client (RFC 3501). It looks only at what a load client must know (tags, literals,
 * EXISTS, and which answers came), so that it costs little beside the server that is measured.
 */
export class ImapConnection {
  /** Messages in the selected mailbox, as last told. */
  exists = 0;
  /** Octets heard so far. */
  octets = 0;
  /** FETCH answers heard so far. */
  fetches = 0;
  /** Numbers in the last SEARCH answer. */
  hits = -1;
  /** The last STATUS answer. */
  status = '';
  /** Called when EXISTS is told. */
  onExists: (() => void) | undefined;

  readonly #socket: net.Socket;
  #pending: Buffer = Buffer.alloc(0);
  /** Octets of a literal that are still to come. */
  #literal = 0;
  /** The line at hand began earlier: a literal lies within it. */
  #within = false;
  #tag = 0;
  #waiting: {
    readonly command: string;
    readonly resolve: () => void;
    readonly reject: (error: Error) => void;
  }[] = [];
  #goOn: (() => void) | undefined;
  #greeted: (() => void) | undefined;
  #closed = false;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#hear(chunk));
    socket.on('close', () => this.#end());
  }

  get open(): boolean {
    return !this.#closed;
  }

  /** Connects, waits for the greeting and logs in. @throws Error when either fails */
  static async login(door: Door, index: number, user: string, password: string): Promise<ImapConnection> {
    const connection = new ImapConnection(connect(door, index));
    await new Promise<void>((resolve, reject) => {
      connection.#waiting.push({ command: 'greeting', resolve, reject });
      connection.#greeted = resolve;
    });
    connection.#waiting.shift();
    await connection.command(`LOGIN ${user} "${password}"`);
    return connection;
  }

  /** Resolves with the tagged OK. @throws Error with the answer when it is NO or BAD, or the connection breaks */
  command(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new Error('the connection broke'));
        return;
      }
      this.#waiting.push({ command: text, resolve, reject });
      this.#socket.write(`a${++this.#tag} ${text}\r\n`, 'latin1');
    });
  }

  /** The literal is sent when the server asks for it, as every server can. */
  append(mailbox: string, message: Buffer, flags = ''): Promise<void> {
    this.#goOn = () => {
      this.#socket.cork();
      this.#socket.write(message);
      this.#socket.write('\r\n');
      this.#socket.uncork();
    };
    return this.command(`APPEND ${mailbox} ${flags}{${message.length}}`);
  }

  /** Resolves when the server has said that it idles (RFC 2177). */
  async idle(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#goOn = resolve;
      this.command('IDLE').catch(reject);
    });
  }

  async logout(): Promise<void> {
    if (!this.#closed) await this.command('LOGOUT').catch(() => undefined);
    this.#socket.destroy();
  }

  destroy(): void {
    this.#waiting = [];
    this.#socket.destroy();
  }

  #end(): void {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('the connection broke'));
  }

  #hear(chunk: Buffer): void {
    this.octets += chunk.length;
    const all = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    let at = 0;
    while (at < all.length) {
      if (this.#literal > 0) {
        const part = Math.min(this.#literal, all.length - at);
        this.#literal -= part;
        at += part;
        continue;
      }
      const end = all.indexOf(10, at);
      if (end < 0) break;
      const begins = !this.#within;
      this.#literal = literalAtEnd(all, at, end);
      this.#within = this.#literal >= 0;
      if (begins) this.#line(all, at, end);
      if (this.#literal < 0) this.#literal = 0;
      at = end + 1;
    }
    // What is kept is the beginning of a line only: literals are not gathered.
    this.#pending = at === 0 ? all : all.subarray(at);
  }

  /** The first part of a response: `from` to its line feed. */
  #line(all: Buffer, from: number, end: number): void {
    const first = all[from];
    if (first === 0x2a) this.#untagged(all, from, end);
    else if (first === 0x2b) {
      const goOn = this.#goOn;
      this.#goOn = undefined;
      goOn?.();
    } else {
      const text = all.toString('latin1', from, end).trimEnd();
      const waiting = this.#waiting.shift();
      if (waiting === undefined) return;
      const status = text.slice(text.indexOf(' ') + 1);
      if (status.startsWith('OK')) waiting.resolve();
      else waiting.reject(new Error(`${waiting.command.slice(0, 30).split(' ')[0]}: ${status.slice(0, 90)}`));
    }
  }

  #untagged(all: Buffer, from: number, end: number): void {
    if (this.#greeted !== undefined) {
      this.#greeted();
      this.#greeted = undefined;
      return;
    }
    let at = from + 2;
    let number = 0;
    for (; at < end; at++) {
      const digit = (all[at] ?? 0) - 48;
      if (digit < 0 || digit > 9) break;
      number = number * 10 + digit;
    }
    if (at > from + 2) {
      // `* 12 FETCH …` and `* 12 EXISTS`; EXPUNGE and RECENT are of no interest
      if (all[at + 1] === 0x46) this.fetches++;
      else if (all[at + 1] === 0x45 && all[at + 3] === 0x49) {
        this.exists = number;
        this.onExists?.();
      }
      return;
    }
    const text = all.toString('latin1', from + 2, Math.min(end, from + 9));
    if (text.startsWith('SEARCH')) this.hits = numbersIn(all, from + 8, end);
    else if (text.startsWith('STATUS')) this.status = all.toString('latin1', from, end);
  }
}

/** The size of the literal that the line announces at its end (`{12}` before CR LF), or -1. */
function literalAtEnd(all: Buffer, from: number, end: number): number {
  const close = all[end - 1] === 13 ? end - 2 : end - 1;
  if (close <= from || all[close] !== 0x7d) return -1;
  let size = 0;
  let scale = 1;
  for (let at = close - 1; at >= from; at--) {
    const octet = all[at] ?? 0;
    if (octet === 0x7b) return at === close - 1 ? -1 : size;
    if (octet < 48 || octet > 57) return -1;
    size += (octet - 48) * scale;
    scale *= 10;
  }
  return -1;
}

function numbersIn(all: Buffer, from: number, end: number): number {
  let count = 0;
  let inside = false;
  for (let at = from; at < end; at++) {
    const octet = all[at] ?? 0;
    const digit = octet >= 48 && octet <= 57;
    if (digit && !inside) count++;
    inside = digit;
  }
  return count;
}
