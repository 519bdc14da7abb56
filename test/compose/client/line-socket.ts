import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { ClientTrouble } from './client-trouble.ts';

/** Where a client connects to; `family` 4 or 6 chooses among the addresses of a name. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly family: 4 | 6;
}

export interface TimedLine {
  readonly text: string;
  /** When it came, ms since 1970. */
  readonly at: number;
}

/** How long any one answer may take, ms: longer than the edge holds a connection that no replica can take. */
export const PATIENCE_MS = 60_000;

/** A connection as a row of lines that remembers when each came and when it ended. */
export class LineSocket {
  #socket: net.Socket;
  readonly #lines: TimedLine[] = [];
  #partial = '';
  #wake: (() => void) | undefined;
  #ended: { readonly why: string; readonly at: number } | undefined;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    this.#listen(socket);
  }

  /** @throws ClientTrouble `refused` */
  static async connect(place: Place): Promise<LineSocket> {
    const socket = net.connect({ ...place, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => fail('no connection within 60 s'), PATIENCE_MS);
      const fail = (why: string): void => {
        clearTimeout(timer);
        socket.destroy();
        reject(new ClientTrouble('refused', 'connect', why, Date.now()));
      };
      socket.once('error', (error) => fail(error.message));
      socket.once('connect', () => (clearTimeout(timer), resolve()));
    });
    socket.removeAllListeners('error');
    return new LineSocket(socket);
  }

  /** TLS from here on. @throws ClientTrouble `closed-midway`, `silence`, or `permanent` for a bad certificate */
  async secure(ca: string, servername: string): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners();
    plain.setTimeout(0);
    plain.on('error', () => undefined);
    const socket = tls.connect({ socket: plain, ca, servername });
    this.#socket = socket;
    this.#listen(socket);
    const timer = setTimeout(() => this.#end('no TLS handshake within 60 s'), PATIENCE_MS);
    await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]).catch(() => undefined);
    clearTimeout(timer);
    if (this.#ended === undefined) return;
    const { why, at } = this.#ended;
    const kind = why.startsWith('no TLS')
      ? 'silence'
      : /certificate|altname/i.test(why)
        ? 'permanent'
        : 'closed-midway';
    throw new ClientTrouble(kind, 'handshake', why, at);
  }

  write(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** The next line; undefined when the connection ended, or nothing came for `patience` ms (`waited` tells). */
  async line(patience: number = PATIENCE_MS): Promise<TimedLine | undefined> {
    if (this.#lines.length === 0 && this.#ended === undefined)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          this.#wake = undefined;
          resolve();
        }, patience);
        this.#wake = () => {
          clearTimeout(timer);
          this.#wake = undefined;
          resolve();
        };
      });
    return this.#lines.shift();
  }

  /** What has come already and was not taken yet. */
  get waiting(): readonly TimedLine[] {
    return this.#lines;
  }

  get ended(): { readonly why: string; readonly at: number } | undefined {
    return this.#ended;
  }

  /** Wakes whoever waits for a line, as the end of the connection does. */
  close(): void {
    this.#end('closed here');
  }

  #listen(socket: net.Socket): void {
    socket.setEncoding('latin1');
    socket.on('error', (error) => this.#end(error.message));
    socket.on('close', () => this.#end('closed'));
    socket.on('data', (text: string) => {
      const at = Date.now();
      const lines = (this.#partial + text).split('\r\n');
      this.#partial = lines.pop() ?? '';
      for (const line of lines) this.#lines.push({ text: line, at });
      if (lines.length > 0) this.#wake?.();
    });
  }

  #end(why: string): void {
    this.#ended ??= { why, at: Date.now() };
    this.#socket.destroy();
    this.#wake?.();
  }
}
