/** A client that says exactly the octets that it is told to, and hears whole replies. No code of the suite is in it. */
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';

/** How long a reply may take. */
const PATIENCE_MS = 30_000;

export class RawClient {
  #socket: net.Socket;
  #text = '';
  #ended = false;
  #wake: () => void = () => undefined;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    this.#listen();
  }

  /** @param ca PEM: TLS from the first octet */
  static async connect(port: number, ca?: string): Promise<RawClient> {
    const socket =
      ca === undefined
        ? net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
        : tls.connect({ port, host: '127.0.0.1', ca, servername: 'localhost' });
    const client = new RawClient(socket);
    await once(socket, ca === undefined ? 'connect' : 'secureConnect');
    return client;
  }

  /** Octets as latin1, in one segment. */
  write(octets: string): void {
    this.#socket.write(octets, 'latin1');
  }

  /** One octet per segment. */
  async drip(octets: string): Promise<void> {
    for (const octet of octets) {
      this.#socket.write(octet, 'latin1');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The next reply, its lines joined by spaces; `closed` when there is none to come. */
  async reply(): Promise<string> {
    const timer = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const match = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\n/.exec(this.#text);
      if (match !== null) {
        this.#text = this.#text.slice(match[0].length);
        return match[0].trimEnd().replaceAll(/\r?\n/g, ' ');
      }
      if (this.#ended) return 'closed';
      if (timer.aborted) return `no reply in time; so far ${JSON.stringify(this.#text)}`;
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      await Promise.race([woken, once(timer, 'abort')]);
    }
  }

  /** Says a line and hears its reply. */
  ask(line: string): Promise<string> {
    this.write(`${line}\r\n`);
    return this.reply();
  }

  /** TLS on this connection. @returns false when the server would not. */
  async secure(ca: string): Promise<boolean> {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    const socket = tls.connect({ socket: plain, ca, servername: 'localhost' });
    this.#socket = socket;
    this.#listen();
    return new Promise((resolve) => {
      socket.once('secureConnect', () => resolve(true));
      socket.once('close', () => resolve(false));
      plain.once('close', () => resolve(false));
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #listen(): void {
    const end = (): void => {
      this.#ended = true;
      this.#wake();
    };
    this.#socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#wake();
    });
    this.#socket.on('error', end);
    this.#socket.on('end', end);
    this.#socket.on('close', end);
  }
}
