import net from 'node:net';
import tls from 'node:tls';

/** A conversation with a mail host, line by line, that is kept as a transcript. Every wait is bounded. */
export class LineDialogue {
  readonly transcript: string[] = [];
  #socket: net.Socket;
  #pending = '';
  #ended = false;
  #wake: (() => void) | undefined;
  readonly #onData = (chunk: Buffer): void => {
    // Nobody's replies are that long; what is beyond is not read.
    if (this.#pending.length < MOST_PENDING) this.#pending += chunk.toString('latin1');
    this.#wake?.();
  };
  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#wake?.();
  };

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    this.#listen();
  }

  /** How it went: an open dialogue, or why there is none. Never rejects. */
  static open(
    place: { readonly host: string; readonly port: number },
    timeoutMs: number,
  ): Promise<LineDialogue | 'refused' | 'silent' | 'unreachable'> {
    return new Promise((resolve) => {
      const socket = net.connect({ host: place.host, port: place.port });
      const timer = setTimeout(() => fail('silent'), timeoutMs);
      const fail = (why: 'refused' | 'silent' | 'unreachable'): void => {
        clearTimeout(timer);
        socket.destroy();
        resolve(why);
      };
      socket.once('error', ({ code }: NodeJS.ErrnoException) =>
        fail(
          code === 'ECONNREFUSED' || code === 'ECONNRESET'
            ? 'refused'
            : code === 'ETIMEDOUT'
              ? 'silent'
              : 'unreachable',
        ),
      );
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.removeAllListeners('error');
        resolve(new LineDialogue(socket));
      });
    });
  }

  get localAddress(): string {
    return this.#socket.localAddress ?? '127.0.0.1';
  }

  /** Says a line and hears the reply. */
  async ask(line: string, timeoutMs: number): Promise<string | undefined> {
    this.transcript.push(`-> ${line}`);
    if (!this.#ended) this.#socket.write(`${line}\r\n`);
    return this.hear(timeoutMs);
  }

  /** The next whole reply, its lines parted by `\n`; undefined when none comes in time. RFC 5321 §4.2.1. */
  async hear(timeoutMs: number): Promise<string | undefined> {
    const lines: string[] = [];
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const end = this.#pending.indexOf('\n');
      if (end >= 0) {
        const line = this.#pending.slice(0, end).replace(/\r$/, '').slice(0, 512);
        this.#pending = this.#pending.slice(end + 1);
        this.transcript.push(`<- ${line}`);
        lines.push(line);
        if (line[3] !== '-' || lines.length >= MOST_LINES) return lines.join('\n');
        continue;
      }
      const left = deadline - performance.now();
      if (this.#ended || left <= 0) {
        this.transcript.push(this.#ended ? '-- the connection was closed' : '-- no reply in time');
        return undefined;
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = (): void => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
  }

  /** TLS from here on, whatever the certificate says. @returns it, or undefined when TLS did not come about */
  async secure(servername: string, timeoutMs: number): Promise<tls.PeerCertificate | undefined> {
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('close', this.#onEnd);
    this.#pending = '';
    return new Promise((resolve) => {
      const secured = tls.connect({
        socket: this.#socket,
        ...(net.isIP(servername) === 0 ? { servername } : {}),
        // What is wrong with it is reported; it is not a reason not to look.
        rejectUnauthorized: false,
      });
      const timer = setTimeout(() => fail('no TLS in time'), timeoutMs);
      const fail = (why: string): void => {
        clearTimeout(timer);
        this.transcript.push(`-- ${why}`);
        this.#ended = true;
        secured.destroy();
        resolve(undefined);
      };
      secured.on('error', (error) => fail(error.message));
      secured.once('secureConnect', () => {
        clearTimeout(timer);
        this.transcript.push(`-- ${secured.getProtocol() ?? 'TLS'}`);
        const certificate = secured.getPeerCertificate();
        secured.removeAllListeners('error');
        this.#socket = secured;
        this.#listen();
        resolve(certificate);
      });
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #listen(): void {
    this.#socket.on('data', this.#onData);
    this.#socket.on('end', this.#onEnd);
    this.#socket.on('close', this.#onEnd);
    this.#socket.on('error', () => this.#onEnd());
  }
}

const MOST_PENDING = 65_536;
const MOST_LINES = 100;
