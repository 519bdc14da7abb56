import type { Socket } from 'node:net';
import tls from 'node:tls';
import type { Handshakes } from './handshakes.ts';
import type { Ticker } from './ticker.ts';
import type { TlsContexts } from './tls-contexts.ts';

/** Why a connection ended, for logs. */
export type CloseReason = string;

export interface ConnectionFacts {
  readonly sessionId: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
  readonly ticker: Ticker;
  readonly tls: TlsContexts | undefined;
  readonly requestCertificate: boolean;
  readonly handshakeTimeoutMs: number;
  readonly handshakes: Handshakes;
}

/** After end(), how long the peer has to close its side before the socket is destroyed. */
const LINGER_MS = 5000;

const ignore = (): void => undefined;

/**
 * A socket for cheap use: callbacks instead of streams and promises, each of them set once by the protocol.
 * Reading starts when onData() is called. Errors of the socket arrive as the reason given to onClose().
 */
export class Connection {
  /** Short and unique over all replicas. */
  readonly sessionId: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
  /** TLS facts, once TLS is up. */
  tls: { readonly protocol: string; readonly cipher: string } | undefined;
  /** The agent's name from a verified client certificate. */
  agent: string | undefined;
  /** Ask nothing more of the peer: end at the next boundary of the protocol. */
  finishing = false;
  /** When octets last came, by `now`. */
  lastActivity: number;

  #socket: Socket;
  readonly #facts: ConnectionFacts;
  #data: (chunk: Buffer) => void = ignore;
  #drain: () => void = ignore;
  #end: (() => void) | undefined;
  #tick: (now: number) => void = ignore;
  #finish: () => void = ignore;
  readonly #close: ((reason: CloseReason) => void)[] = [];
  #reason: CloseReason | undefined;
  #closed = false;
  #idleMs = 0;
  #idle: () => void = ignore;
  /** When a handshake or lingering end is over, by the ticker's clock; 0 for none. */
  #deadline = 0;
  #ended = false;
  #reading = false;
  #handshaking = false;

  constructor(socket: Socket, facts: ConnectionFacts) {
    this.#socket = socket;
    this.#facts = facts;
    this.sessionId = facts.sessionId;
    this.remoteAddress = facts.remoteAddress;
    this.remotePort = facts.remotePort;
    this.localPort = facts.localPort;
    this.lastActivity = facts.ticker.now;
    this.#wire(socket);
    facts.ticker.add(this);
  }

  /** The listener's coarse clock, ms, monotonic; the scale of lastActivity and onTick. */
  get now(): number {
    return this.#facts.ticker.now;
  }

  get secure(): boolean {
    return this.tls !== undefined;
  }

  /** Whether startTls() can be offered. */
  get canStartTls(): boolean {
    return this.#facts.tls !== undefined && this.tls === undefined;
  }

  /** Whether there is room for one more handshake; where not, say so instead of startTls(). */
  get mayHandshake(): boolean {
    return !this.#facts.handshakes.full;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Octets written that the peer has not taken yet. */
  get unsent(): number {
    return this.#socket.writableLength;
  }

  /** Sets who gets the octets, and starts reading. */
  onData(take: (chunk: Buffer) => void): void {
    this.#data = take;
    if (!this.#reading && !this.#handshaking) {
      this.#reading = true;
      this.#socket.on('data', this.#received);
      this.#socket.resume();
    }
  }

  /** The peer has closed its side; unless this is set the connection is then ended. */
  onEnd(ended: () => void): void {
    this.#end = ended;
  }

  /** All that write() could not send at once has gone out. */
  onDrain(drained: () => void): void {
    this.#drain = drained;
  }

  /** Called about once per second: for a protocol's own deadlines. */
  onTick(tick: (now: number) => void): void {
    this.#tick = tick;
  }

  /** The listener drains: finish at the next boundary. Called at once when it drains already. */
  onFinish(finish: () => void): void {
    this.#finish = finish;
    if (this.finishing) finish();
  }

  /** The connection is gone. Several may ask; each is called exactly once. */
  onClose(closed: (reason: CloseReason) => void): void {
    if (this.#closed) closed(this.#reason ?? 'closed');
    else this.#close.push(closed);
  }

  /** After `ms` without octets from the peer `idle` is called, once per silence; 0 switches it off. Precise to a tick. */
  setIdle(ms: number, idle: () => void): void {
    this.#idleMs = ms;
    this.#idle = idle;
    this.lastActivity = this.now;
  }

  /** False when the peer is slow: stop producing until onDrain. Never throws. */
  write(data: string | Buffer): boolean {
    if (this.#ended || this.#closed) return true;
    return this.#socket.write(data);
  }

  /** Gathers the writes until uncork() into one. */
  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  /** Sends what was written, then closes; input is thrown away from now on. */
  end(data?: string | Buffer): void {
    if (this.#ended || this.#closed) return;
    this.#ended = true;
    this.#data = ignore;
    this.#end = ignore;
    this.#idleMs = 0;
    this.#deadline = this.now + LINGER_MS;
    if (data === undefined) this.#socket.end();
    else this.#socket.end(data);
    this.#socket.resume();
  }

  /** Closes at once. */
  destroy(reason: CloseReason): void {
    this.#reason ??= reason;
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (this.#reading) this.#socket.resume();
  }

  /** Called by the listener when it drains. */
  finish(): void {
    if (this.finishing) return;
    this.finishing = true;
    this.#finish();
  }

  /**
   * Starts TLS as server; `secured` is called when the handshake is done, onClose when it fails. Whoever calls
   * this has sent its go-ahead already and holds no octets of the peer: octets that came before the handshake
   * came in clear and must count for nothing (RFC 3207 §6). Those that this connection still held are
   * thrown away and false is returned: close then.
   */
  startTls(secured: () => void): boolean {
    if (this.#socket.readableLength > 0) return false;
    this.startWithTls(secured);
    return true;
  }

  /** TLS from the first octet: what has come already belongs to the handshake. The listener's call. */
  startWithTls(secured: () => void): void {
    const { tls: contexts, ticker } = this.#facts;
    if (contexts === undefined || this.secure) throw new Error('TLS cannot be started here');
    const plain = this.#socket;
    this.#unwire(plain);
    const socket = new tls.TLSSocket(plain, {
      isServer: true,
      secureContext: contexts.context,
      requestCert: this.#facts.requestCertificate,
      rejectUnauthorized: false,
    });
    plain.once('close', () => socket.destroy());
    this.#socket = socket;
    this.#handshaking = true;
    this.#facts.handshakes.begin();
    this.#deadline = ticker.now + this.#facts.handshakeTimeoutMs;
    this.#wire(socket);
    socket.once('secure', () => {
      this.#handshaking = false;
      this.#facts.handshakes.end();
      this.#deadline = 0;
      this.tls = { protocol: socket.getProtocol() ?? 'TLS', cipher: socket.getCipher().name };
      if (this.#facts.requestCertificate) this.agent = contexts.agentOf(socket.getPeerX509Certificate());
      this.lastActivity = ticker.now;
      if (this.#data !== ignore) this.onData(this.#data);
      secured();
    });
  }

  /** The ticker's call. */
  tick(now: number): void {
    if (this.#deadline !== 0 && now >= this.#deadline) {
      this.destroy(this.#handshaking ? 'TLS handshake took too long' : 'peer did not close');
      return;
    }
    if (this.#idleMs > 0 && now - this.lastActivity >= this.#idleMs) {
      this.lastActivity = now;
      this.#idle();
    }
    this.#tick(now);
  }

  #received = (chunk: Buffer): void => {
    this.lastActivity = this.#facts.ticker.now;
    this.#data(chunk);
  };

  #drained = (): void => this.#drain();

  #peerEnded = (): void => {
    if (this.#end === undefined) this.end();
    else this.#end();
  };

  #failed = (error: Error): void => {
    this.#reason ??= this.#handshaking ? `TLS handshake failed: ${error.message}` : error.message;
    this.#socket.destroy();
  };

  #gone = (): void => {
    if (this.#closed) return;
    this.#closed = true;
    this.#facts.ticker.delete(this);
    if (this.#handshaking) this.#facts.handshakes.end();
    this.#reason ??= this.#handshaking ? 'TLS handshake not finished' : 'closed';
    for (const closed of this.#close) closed(this.#reason);
  };

  #wire(socket: Socket): void {
    socket.on('drain', this.#drained);
    socket.on('end', this.#peerEnded);
    socket.on('error', this.#failed);
    socket.on('close', this.#gone);
  }

  #unwire(socket: Socket): void {
    this.#reading = false;
    socket.off('data', this.#received);
    socket.off('drain', this.#drained);
    socket.off('end', this.#peerEnded);
    socket.off('close', this.#gone);
  }
}
