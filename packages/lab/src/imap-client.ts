import net from 'node:net';
import tls from 'node:tls';

/**
 * A small IMAP client for the lab and for tests: it sends a command and gives back every response
 * line with its literals in place. It believes nothing it was not told.
 */
export interface ImapOptions {
  readonly port: number;
  readonly host?: string;
  /** PEM of the authority; undefined speaks in clear. */
  readonly ca?: string;
  /** The name that the certificate must have; `localhost` when not given. */
  readonly servername?: string;
}

/** One response: its text with literals cut out as `{n}`, and the literals in order. */
export interface ImapResponse {
  readonly text: string;
  readonly literals: readonly Buffer[];
}

export interface ImapResult {
  /** `OK`, `NO` or `BAD`. */
  readonly status: string;
  /** The tagged line without its tag. */
  readonly text: string;
  readonly untagged: readonly ImapResponse[];
}

export class ImapClient {
  readonly #socket: net.Socket;
  #pending: Buffer = Buffer.alloc(0);
  #text = '';
  #literals: Buffer[] = [];
  #literal = 0;
  #untagged: ImapResponse[] = [];
  #tag = 0;
  #waiting:
    | { tag: string; resolve: (result: ImapResult) => void; reject: (error: Error) => void }
    | undefined;
  #continued: (() => void) | undefined;
  #listener: ((response: ImapResponse) => void) | undefined;
  #ended: Error | undefined;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#feed(chunk));
    const end = (error?: Error): void => {
      this.#ended ??= error ?? new Error('the server closed the connection');
      this.#waiting?.reject(this.#ended);
      this.#waiting = undefined;
    };
    socket.on('error', end);
    socket.on('close', () => end());
  }

  /** Connects and waits for the greeting. */
  static async connect(options: ImapOptions): Promise<ImapClient> {
    const where = { port: options.port, host: options.host ?? '127.0.0.1' };
    const socket =
      options.ca === undefined
        ? net.connect(where)
        : tls.connect({ ...where, ca: options.ca, servername: options.servername ?? 'localhost' });
    const client = new ImapClient(socket);
    await new Promise<void>((resolve, reject) => {
      client.#listener = () => resolve();
      socket.once('error', reject);
      socket.once('close', () => reject(client.#ended ?? new Error('closed before the greeting')));
    });
    client.#listener = undefined;
    client.#untagged = [];
    return client;
  }

  async login(username: string, password: string): Promise<void> {
    await this.ok(`LOGIN ${quote(username)} ${quote(password)}`);
  }

  /** Sends a command; a literal is sent after the server's `+`. */
  async command(text: string, literal?: Buffer): Promise<ImapResult> {
    if (this.#ended !== undefined) throw this.#ended;
    const tag = `a${++this.#tag}`;
    const result = new Promise<ImapResult>((resolve, reject) => {
      this.#waiting = { tag, resolve, reject };
    });
    if (literal === undefined) this.#socket.write(`${tag} ${text}\r\n`);
    else {
      const go = new Promise<void>((resolve) => (this.#continued = resolve));
      this.#socket.write(`${tag} ${text} {${literal.length}}\r\n`);
      await Promise.race([go, result]);
      this.#socket.write(literal);
      this.#socket.write('\r\n');
    }
    return result;
  }

  /** As command(). @throws Error with the server's answer unless it is OK. */
  async ok(text: string, literal?: Buffer): Promise<ImapResult> {
    const result = await this.command(text, literal);
    if (result.status !== 'OK') throw new Error(`${text.split(' ')[0]}: ${result.text}`);
    return result;
  }

  /** IDLE until a response satisfies `until`, then DONE. */
  async idle(until: (response: ImapResponse) => boolean): Promise<void> {
    const seen = new Promise<void>((resolve) => {
      this.#listener = (response) => {
        if (until(response)) resolve();
      };
    });
    const finished = this.command('IDLE');
    await Promise.race([seen, finished]);
    this.#socket.write('DONE\r\n');
    // What comes on the way to the end is told as well: nobody would hear of it again.
    await finished;
    this.#listener = undefined;
  }

  close(): void {
    this.#socket.destroy();
  }

  #feed(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    for (;;) {
      if (this.#literal > 0) {
        if (this.#pending.length < this.#literal) return;
        this.#literals.push(this.#pending.subarray(0, this.#literal));
        this.#pending = this.#pending.subarray(this.#literal);
        this.#literal = 0;
      }
      const end = this.#pending.indexOf('\r\n');
      if (end < 0) return;
      const line = this.#pending.subarray(0, end).toString('latin1');
      this.#pending = this.#pending.subarray(end + 2);
      this.#text += line;
      const size = /\{(\d{1,10})\}$/.exec(line)?.[1];
      if (size !== undefined) {
        this.#literal = Number(size);
        if (this.#literal === 0) this.#literals.push(Buffer.alloc(0));
        continue;
      }
      const response = { text: this.#text, literals: this.#literals };
      this.#text = '';
      this.#literals = [];
      this.#take(response);
    }
  }

  #take(response: ImapResponse): void {
    const waiting = this.#waiting;
    if (response.text.startsWith('+')) {
      this.#continued?.();
      this.#continued = undefined;
    } else if (waiting !== undefined && response.text.startsWith(`${waiting.tag} `)) {
      const text = response.text.slice(waiting.tag.length + 1);
      this.#waiting = undefined;
      waiting.resolve({ status: text.split(' ', 1)[0] ?? '', text, untagged: this.#untagged });
      this.#untagged = [];
    } else this.#untagged.push(response);
    this.#listener?.(response);
  }
}

function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
