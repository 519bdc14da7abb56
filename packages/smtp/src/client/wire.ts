import type { Socket } from 'node:net';
import tls from 'node:tls';
import type { Reply } from '../reply.ts';
import type { Phase } from './outcome.ts';
import { ReplyReader } from './reply-reader.ts';
import type { Transcript } from './transcript.ts';

interface Expected {
  readonly phase: Phase;
  readonly timeoutMs: number;
  readonly take: (reply: Reply) => void;
}

/** The conversation ended before the reply came. */
export class LostError extends Error {
  readonly phase: Phase;
  constructor(phase: Phase, cause: string) {
    super(cause);
    this.name = 'LostError';
    this.phase = phase;
  }
}

/**
 * One socket as a stream of commands out and replies in. Replies go to those who expect them, in
 * order; each is awaited no longer than its phase allows. One timer per connection looks after all
 * deadlines, so a message costs none.
 */
export class Wire {
  #socket: Socket;
  readonly #reader = new ReplyReader();
  readonly #expected: Expected[] = [];
  #deadline = Number.POSITIVE_INFINITY;
  #clock: NodeJS.Timeout;
  readonly #blockMs: number;
  #written = 0;
  #progressAt = 0;
  #lost: string | undefined;
  readonly transcript: Transcript | undefined;
  /** Told once, when the connection is gone for whatever reason. */
  onLost: (cause: string) => void = () => undefined;
  /** Told of a reply that nobody expects: a peer's goodbye. */
  onUnexpected: (reply: Reply) => void = () => this.drop('the peer said more than it was asked for');

  constructor(socket: Socket, blockMs: number, tickMs: number, transcript: Transcript | undefined) {
    this.#socket = socket;
    this.#blockMs = blockMs;
    this.transcript = transcript;
    this.#clock = setInterval(() => this.#tick(), tickMs);
    this.#listen();
  }

  /** Why the connection is gone; undefined while it lives. */
  get lost(): string | undefined {
    return this.#lost;
  }

  get waiting(): number {
    return this.#expected.length;
  }

  expect(phase: Phase, timeoutMs: number, take: (reply: Reply) => void): void {
    if (this.#expected.push({ phase, timeoutMs, take }) === 1) this.#deadline = performance.now() + timeoutMs;
  }

  /** Sends a command and waits for its reply. @throws LostError */
  ask(phase: Phase, command: string, timeoutMs: number, secret = false): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) return reject(new LostError(phase, this.#lost));
      const before = this.onLost;
      this.onLost = (cause) => {
        before(cause);
        reject(new LostError(phase, cause));
      };
      this.expect(phase, timeoutMs, (reply) => {
        this.onLost = before;
        resolve(reply);
      });
      if (command !== '') {
        this.transcript?.command(secret ? '(credentials)\r\n' : command);
        this.#socket.write(command);
      }
    });
  }

  /** Sends command lines. */
  command(lines: string): void {
    this.transcript?.command(lines);
    this.#socket.write(lines);
  }

  /** Sends message content. */
  content(slices: readonly Buffer[], octets: number, flushed?: () => void): void {
    this.transcript?.content(octets);
    this.#progressAt = performance.now();
    const last = slices.length - 1;
    if (last < 0) flushed?.();
    // The callback comes with an error too, when the connection died: onLost has told by then.
    else
      for (let i = 0; i <= last; i++)
        this.#socket.write(slices[i] as Buffer, i === last && flushed ? () => flushed() : undefined);
  }

  /** Sends octets that the transcript does not show. */
  raw(octets: Buffer): void {
    this.#socket.write(octets);
  }

  /** What is written until uncork() leaves together. */
  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  /** Turns the socket into a TLS client. @throws LostError */
  async secure(options: tls.ConnectionOptions, timeoutMs: number): Promise<tls.TLSSocket> {
    // What came in clear behind the 220 was not said by the peer that TLS will prove (RFC 3207 §6).
    if (this.#reader.pending > 0)
      throw new LostError('tls', 'the peer sent more in clear after agreeing to TLS');
    if (this.#lost !== undefined) throw new LostError('tls', this.#lost);
    const plain = this.#socket;
    plain.removeAllListeners('data').removeAllListeners('close').removeAllListeners('error');
    plain.on('error', () => undefined);
    const secure = tls.connect({ ...options, socket: plain });
    this.#socket = secure;
    this.#deadline = performance.now() + timeoutMs;
    await new Promise<void>((resolve, reject) => {
      this.onLost = (cause) => reject(new LostError('tls', cause));
      secure.once('secureConnect', resolve);
      this.#listen();
    });
    this.#deadline = Number.POSITIVE_INFINITY;
    this.onLost = () => undefined;
    this.transcript?.note(`TLS ${secure.getProtocol() ?? ''} ${secure.getCipher().name}`);
    return secure;
  }

  /** Ends the connection; whoever waits is told `cause`. */
  drop(cause: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = cause;
    clearInterval(this.#clock);
    this.transcript?.note(cause);
    this.#expected.length = 0;
    this.#socket.destroy();
    this.onLost(cause);
  }

  /** Sends the last command and closes in order. */
  goodbye(command: string): void {
    if (this.#lost !== undefined) return;
    this.transcript?.command(command);
    this.#socket.end(command);
    this.expect('message', 2000, () => this.drop('closed'));
  }

  #listen(): void {
    this.#socket.on('data', (chunk) => this.#receive(chunk as Buffer));
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.drop(error.code ?? error.message));
    this.#socket.on('end', () => this.drop('the peer closed the connection'));
    this.#socket.on('close', () => this.drop('the peer closed the connection'));
  }

  #receive(chunk: Buffer): void {
    try {
      this.#reader.push(chunk, (reply) => this.#give(reply));
    } catch (error) {
      this.drop((error as Error).message);
    }
  }

  #give(reply: Reply): void {
    if (this.#lost !== undefined) return;
    this.transcript?.reply(reply);
    const first = this.#expected.shift();
    const next = this.#expected[0];
    this.#deadline = next === undefined ? Number.POSITIVE_INFINITY : performance.now() + next.timeoutMs;
    if (first === undefined) this.onUnexpected(reply);
    else first.take(reply);
  }

  #tick(): void {
    const now = performance.now();
    if (this.#socket.writableLength > 0) {
      if (this.#socket.bytesWritten !== this.#written) {
        this.#written = this.#socket.bytesWritten;
        this.#progressAt = now;
      } else if (now - this.#progressAt > this.#blockMs) {
        this.drop('timeout: the peer takes no data'); // RFC 5321 §4.5.3.2.5
        return;
      }
      // While content still leaves, the peer cannot have answered it.
      if (this.#expected.length === 1)
        this.#deadline = Math.max(this.#deadline, now + (this.#expected[0]?.timeoutMs ?? 0));
    }
    if (now > this.#deadline)
      this.drop(`timeout: no reply in the phase ${this.#expected[0]?.phase ?? 'tls'}`);
  }
}
