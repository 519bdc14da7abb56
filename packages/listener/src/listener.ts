import { randomBytes } from 'node:crypto';
import net, { type AddressInfo, type Socket } from 'node:net';
import { Connection } from './connection.ts';
import { Handshakes } from './handshakes.ts';
import { AddressLimits, type ConnectionLimits } from './limits.ts';
import { Networks, plainAddress } from './networks.ts';
import { readProxyHeader } from './proxy-header.ts';
import { Ticker } from './ticker.ts';
import type { TlsContexts } from './tls-contexts.ts';

/** Why a connection was not served. */
export type Refusal =
  | 'too-many'
  | 'too-many-from-address'
  | 'draining'
  | 'bad-proxy-header'
  | 'tls-handshake';

export interface ListenerOptions {
  /** Address to listen on; all of them when left out. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The certificate, for implicit TLS or a later startTls(). */
  readonly tls?: TlsContexts | undefined;
  /** The handshake comes before everything: onConnection is called after it. */
  readonly implicitTls?: boolean;
  /** Ask for a client certificate; a verified one sets connection.agent. */
  readonly requestCertificate?: boolean;
  /** Who sends PROXY headers; must, and nobody else may. */
  readonly proxyFrom?: Networks;
  readonly limits?: ConnectionLimits;
  /** Default 20 s. */
  readonly handshakeTimeoutMs?: number;
  /** TLS handshakes under way at a time; default 1000. With implicit TLS further clients are cut. */
  readonly maxHandshakes?: number;
  /** How long a PROXY header may take to come; default 5 s. */
  readonly proxyTimeoutMs?: number;
  /** Precision of idle limits and onTick; default 1 s. */
  readonly tickMs?: number;
  readonly onConnection: (connection: Connection) => void;
  /** What a refused client is told in clear before it is closed, for instance a 421 line with CRLF. */
  readonly refusal?: (why: 'too-many' | 'too-many-from-address' | 'draining') => string;
  /** For counting. */
  readonly onRefused?: (why: Refusal, address: string, detail: string) => void;
  /** The listening socket failed (for instance EMFILE), or onConnection threw. */
  readonly onError?: (error: Error) => void;
}

export interface Listener extends AsyncDisposable {
  readonly port: number;
  /** Connections open now. */
  readonly open: number;
  /** Connections served since it was opened. */
  readonly accepted: number;
  /**
   * Accepts no more, asks every connection to finish at a boundary, and resolves when all are gone;
   * those that are left after the deadline are destroyed.
   */
  drain(deadlineMs: number): Promise<void>;
}

const DRAIN_MS = 20_000;
const UNBOUND: ConnectionLimits = {
  maxConnections: Number.POSITIVE_INFINITY,
  maxPerAddress: Number.POSITIVE_INFINITY,
  unlimited: new Networks(''),
};

/** Distinguishes this process's sessions from those of other replicas. */
const PROCESS = randomBytes(5).toString('hex');
let sessions = 0;

/** Opens a port. @throws what listen() reports, for instance EADDRINUSE. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  if (options.implicitTls === true && options.tls === undefined)
    throw new Error('implicit TLS needs a certificate: set WAYBILL_TLS_CERT_FILE and WAYBILL_TLS_KEY_FILE');
  const door = new Door(options);
  await door.listen();
  return door;
}

class Door implements Listener {
  readonly #options: ListenerOptions;
  readonly #limits: AddressLimits;
  readonly #ticker: Ticker;
  readonly #handshakes: Handshakes;
  readonly #proxyFrom: Networks;
  readonly #server: net.Server;
  readonly #connections = new Set<Connection>();
  /** Sockets that wait for their PROXY header. */
  readonly #nameless = new Set<Socket>();
  #draining: Promise<void> | undefined;
  #empty: (() => void) | undefined;
  #port = 0;
  #accepted = 0;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#limits = new AddressLimits(options.limits ?? UNBOUND);
    this.#ticker = new Ticker(options.tickMs ?? 1000);
    this.#handshakes = new Handshakes(options.maxHandshakes ?? 1000);
    this.#proxyFrom = options.proxyFrom ?? new Networks('');
    this.#server = net.createServer(
      // Half-open: a client that has sent all it wants still gets its replies.
      { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 },
      (socket) => this.#accept(socket),
    );
  }

  get port(): number {
    return this.#port;
  }

  get open(): number {
    return this.#connections.size;
  }

  get accepted(): number {
    return this.#accepted;
  }

  async listen(): Promise<void> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, ...(host === undefined ? {} : { host }), backlog: 1024 }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    this.#server.on('error', (error) => this.#options.onError?.(error));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  #accept(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    const { remoteAddress, remotePort } = socket;
    if (remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const address = plainAddress(remoteAddress);
    if (this.#proxyFrom.has(address)) this.#awaitProxyHeader(socket, address, remotePort ?? 0);
    else this.#admit(socket, address, remotePort ?? 0);
  }

  #awaitProxyHeader(socket: Socket, address: string, port: number): void {
    let head: Buffer = Buffer.alloc(0);
    const refuse = (detail: string): void => {
      this.#options.onRefused?.('bad-proxy-header', address, detail);
      socket.destroy();
    };
    const timer = setTimeout(() => refuse('no header in time'), this.#options.proxyTimeoutMs ?? 5000);
    const take = (chunk: Buffer): void => {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      const header = readProxyHeader(head);
      if (header.kind === 'more') return;
      socket.off('data', take);
      clearTimeout(timer);
      if (header.kind === 'bad') {
        refuse('no valid header');
        return;
      }
      socket.pause();
      if (head.length > header.length) socket.unshift(head.subarray(header.length));
      this.#nameless.delete(socket);
      const source = header.source;
      this.#admit(
        socket,
        source === undefined ? address : plainAddress(source.address),
        source?.port ?? port,
      );
    };
    this.#nameless.add(socket);
    socket.on('data', take);
    socket.on('end', () => {
      if (this.#nameless.has(socket)) socket.destroy();
    });
    socket.on('close', () => {
      clearTimeout(timer);
      this.#nameless.delete(socket);
    });
  }

  #admit(socket: Socket, address: string, port: number): void {
    if (socket.destroyed) return;
    if (this.#options.implicitTls === true && this.#handshakes.full) {
      this.#options.onRefused?.('tls-handshake', address, 'too many handshakes under way');
      socket.destroy();
      return;
    }
    const place = this.#draining === undefined ? this.#limits.take(address) : 'draining';
    if (typeof place === 'string') {
      this.#options.onRefused?.(place, address, '');
      this.#refuse(socket, place);
      return;
    }
    const connection = new Connection(socket, {
      sessionId: `${PROCESS}-${(++sessions).toString(36)}`,
      remoteAddress: address,
      remotePort: port,
      localPort: socket.localPort ?? 0,
      ticker: this.#ticker,
      tls: this.#options.tls,
      requestCertificate: this.#options.requestCertificate ?? false,
      handshakeTimeoutMs: this.#options.handshakeTimeoutMs ?? 20_000,
      handshakes: this.#handshakes,
    });
    this.#connections.add(connection);
    this.#accepted++;
    connection.onClose((reason) => {
      place.release();
      this.#connections.delete(connection);
      if (this.#connections.size === 0) this.#empty?.();
      if (reason.startsWith('TLS handshake')) this.#options.onRefused?.('tls-handshake', address, reason);
    });
    if (this.#options.implicitTls === true) connection.startWithTls(() => this.#hand(connection));
    else this.#hand(connection);
  }

  #hand(connection: Connection): void {
    try {
      this.#options.onConnection(connection);
    } catch (error) {
      this.#options.onError?.(error as Error);
      connection.destroy('internal error');
    }
  }

  #refuse(socket: Socket, why: 'too-many' | 'too-many-from-address' | 'draining'): void {
    const line = this.#options.implicitTls === true ? undefined : this.#options.refusal?.(why);
    if (line === undefined) {
      socket.destroy();
      return;
    }
    // What the client sends meanwhile is thrown away: an unread byte would turn the close into a reset.
    const timer = setTimeout(() => socket.destroy(), 1000);
    socket.on('close', () => clearTimeout(timer));
    socket.on('end', () => socket.destroy());
    socket.end(line);
    socket.resume();
  }

  drain(deadlineMs: number): Promise<void> {
    this.#draining ??= this.#drain(deadlineMs);
    return this.#draining;
  }

  async #drain(deadlineMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const socket of this.#nameless) socket.destroy();
    const deadline = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy('drain deadline passed');
    }, deadlineMs);
    for (const connection of this.#connections) connection.finish();
    if (this.#connections.size > 0) await new Promise<void>((resolve) => (this.#empty = resolve));
    clearTimeout(deadline);
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(DRAIN_MS);
  }
}
