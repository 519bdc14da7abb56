import { randomBytes } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import type { Reply } from '../reply.ts';
import { type Capabilities, NO_CAPABILITIES, parseCapabilities } from './capabilities.ts';
import { SmtpConnection } from './connection.ts';
import type { OpenFailure, Phase } from './outcome.ts';
import { Transcript } from './transcript.ts';
import { LostError, Wire } from './wire.ts';

/** How long each phase may take, in ms; RFC 5321 §4.5.3.2. */
export interface Timeouts {
  readonly connect: number;
  readonly greeting: number;
  readonly hello: number;
  readonly tls: number;
  readonly auth: number;
  readonly mail: number;
  readonly rcpt: number;
  readonly data: number;
  /** Without any progress while content is sent. */
  readonly block: number;
  /** From the final dot to the reply. */
  readonly dot: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = {
  connect: 30_000,
  greeting: 300_000,
  hello: 300_000,
  tls: 30_000,
  auth: 60_000,
  mail: 300_000,
  rcpt: 300_000,
  data: 120_000,
  block: 180_000,
  dot: 600_000,
};

/** PEM texts. Hand over the same object for each connection: the TLS context made of it is kept with it. */
export interface TlsCredentials {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

export interface OpenOptions {
  /** IP address. Names are resolved by the caller, who also checked the address. */
  readonly host: string;
  readonly port: number;
  /** The host's name: for TLS and for people. */
  readonly name: string;
  readonly protocol: 'smtp' | 'lmtp';
  /** Our name in EHLO or LHLO. */
  readonly helloName: string;
  /** `opportunistic`: STARTTLS where offered, in clear where it fails (RFC 7435). `required`: no mail without STARTTLS. */
  readonly tls: 'none' | 'opportunistic' | 'required' | 'implicit';
  /** Whether the certificate must be good for `servername`; never for `opportunistic`. */
  readonly verify?: boolean;
  /** The name to ask for and to check; `name` when not given. */
  readonly servername?: string;
  readonly credentials?: TlsCredentials;
  /** For smart hosts; only ever used under TLS, or on loopback in clear. */
  readonly auth?: { readonly username: string; readonly password: string };
  readonly timeouts?: Partial<Timeouts>;
  /** Keep a transcript, see SmtpConnection.transcript. */
  readonly transcript?: boolean;
  readonly localAddress?: string;
  readonly signal?: AbortSignal;
}

export type OpenResult =
  | { readonly kind: 'open'; readonly connection: SmtpConnection }
  | { readonly kind: 'failed'; readonly failure: OpenFailure; readonly transcript: string };

/** A reply that ends the opening. */
class RefusedError extends Error {
  readonly phase: Phase;
  readonly reply: Reply;
  constructor(phase: Phase, reply: Reply) {
    super(`${reply.code} ${reply.lines[0] ?? ''}`);
    this.name = 'RefusedError';
    this.phase = phase;
    this.reply = reply;
  }
}

/** Connects, greets, secures and authenticates. Never rejects: what went wrong is a value. */
export async function openConnection(options: OpenOptions): Promise<OpenResult> {
  const first = await attempt(options, options.tls);
  if (first.kind === 'failed' && first.failure.phase === 'tls' && options.tls === 'opportunistic') {
    // RFC 7435: some secrecy where it can be had, mail in any case.
    return attempt(options, 'none');
  }
  return first;
}

async function attempt(options: OpenOptions, security: OpenOptions['tls']): Promise<OpenResult> {
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const transcript = options.transcript === true ? new Transcript() : undefined;
  transcript?.note(`connecting to ${options.name} [${options.host}]:${options.port}`);
  let wire: Wire | undefined;
  try {
    const socket = await connect(options, timeouts.connect);
    wire = new Wire(socket, timeouts.block, tickOf(timeouts), transcript);
    let secured: tls.TLSSocket | undefined;
    if (security === 'implicit') secured = await secure(wire, options, timeouts, false);
    const greeting = await wire.ask('greeting', '', timeouts.greeting);
    if (greeting.code !== 220) throw new RefusedError('greeting', greeting);
    let capabilities = await hello(wire, options, timeouts);
    if (security === 'required' && !capabilities.starttls)
      throw new LostError('tls', 'the host does not offer STARTTLS, which is required');
    if ((security === 'required' || security === 'opportunistic') && capabilities.starttls) {
      const answer = await wire.ask('tls', 'STARTTLS\r\n', timeouts.tls);
      if (answer.code === 220) {
        secured = await secure(wire, options, timeouts, security === 'opportunistic');
        capabilities = await hello(wire, options, timeouts);
      } else if (security === 'required') throw new RefusedError('tls', answer);
    }
    if (options.auth !== undefined) {
      if (secured === undefined && !isLoopback(options.host))
        throw new LostError('auth', 'credentials are not sent in clear');
      await authenticate(wire, capabilities, options.auth, timeouts);
    }
    return {
      kind: 'open',
      connection: new SmtpConnection(wire, {
        host: options.host,
        port: options.port,
        name: options.name,
        lmtp: options.protocol === 'lmtp',
        timeouts,
        capabilities,
        tls: secured?.getProtocol() ?? undefined,
        sessionId: randomBytes(8).toString('hex'),
      }),
    };
  } catch (error) {
    const failure = failureOf(error);
    wire?.drop(failure.cause);
    return { kind: 'failed', failure, transcript: transcript?.text ?? '' };
  }
}

function failureOf(error: unknown): OpenFailure {
  if (error instanceof RefusedError) return { phase: error.phase, reply: error.reply, cause: error.message };
  if (error instanceof LostError) return { phase: error.phase, cause: error.message };
  return { phase: 'connect', cause: (error as NodeJS.ErrnoException).code ?? (error as Error).message };
}

function connect(options: OpenOptions, timeoutMs: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const { host, port, signal } = options;
    if (signal?.aborted === true) return reject(new LostError('connect', 'stopping'));
    const local = options.localAddress === undefined ? {} : { localAddress: options.localAddress };
    const socket = net.connect({ host, port, noDelay: true, ...local });
    const end = (error: Error): void => {
      signal?.removeEventListener('abort', stop);
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const stop = (): void => end(new LostError('connect', 'stopping'));
    const timer = setTimeout(() => end(new LostError('connect', 'timeout: no connection')), timeoutMs);
    signal?.addEventListener('abort', stop, { once: true });
    socket.once('error', (error: NodeJS.ErrnoException) =>
      end(new LostError('connect', error.code ?? error.message)),
    );
    socket.once('connect', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

async function hello(wire: Wire, options: OpenOptions, timeouts: Timeouts): Promise<Capabilities> {
  const verb = options.protocol === 'lmtp' ? 'LHLO' : 'EHLO';
  const answer = await wire.ask('hello', `${verb} ${options.helloName}\r\n`, timeouts.hello);
  if (answer.code >= 200 && answer.code < 300) return parseCapabilities(answer);
  // RFC 5321 §3.2: a host that does not know EHLO is greeted with HELO.
  if (verb === 'LHLO' || answer.code < 500) throw new RefusedError('hello', answer);
  const older = await wire.ask('hello', `HELO ${options.helloName}\r\n`, timeouts.hello);
  if (older.code < 200 || older.code > 299) throw new RefusedError('hello', older);
  return NO_CAPABILITIES;
}

const contexts = new WeakMap<TlsCredentials, tls.SecureContext>();
let plainContext: tls.SecureContext | undefined;

function contextOf(credentials: TlsCredentials | undefined): tls.SecureContext {
  if (credentials === undefined) {
    plainContext ??= tls.createSecureContext({ minVersion: 'TLSv1.2' });
    return plainContext;
  }
  let context = contexts.get(credentials);
  if (context === undefined) {
    context = tls.createSecureContext({ ...credentials, minVersion: 'TLSv1.2' });
    contexts.set(credentials, context);
  }
  return context;
}

function secure(
  wire: Wire,
  options: OpenOptions,
  timeouts: Timeouts,
  opportunistic: boolean,
): Promise<tls.TLSSocket> {
  const servername = options.servername ?? options.name;
  let secureContext: tls.SecureContext;
  try {
    secureContext = contextOf(options.credentials);
  } catch (error) {
    return Promise.reject(new LostError('tls', `bad TLS credentials: ${(error as Error).message}`));
  }
  return wire.secure(
    {
      secureContext,
      // RFC 6066 §3 allows names only.
      ...(net.isIP(servername) === 0 ? { servername } : {}),
      rejectUnauthorized: options.verify === true && !opportunistic,
      checkServerIdentity: (_name, certificate) => tls.checkServerIdentity(servername, certificate),
    },
    timeouts.tls,
  );
}

async function authenticate(
  wire: Wire,
  capabilities: Capabilities,
  auth: { readonly username: string; readonly password: string },
  timeouts: Timeouts,
): Promise<void> {
  const ask = (line: string): Promise<Reply> => wire.ask('auth', `${line}\r\n`, timeouts.auth, true);
  const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
  let answer: Reply;
  if (capabilities.auth.has('PLAIN')) {
    answer = await ask(`AUTH PLAIN ${base64(`\0${auth.username}\0${auth.password}`)}`); // RFC 4616
  } else if (capabilities.auth.has('LOGIN')) {
    answer = await ask('AUTH LOGIN');
    if (answer.code === 334) answer = await ask(base64(auth.username));
    if (answer.code === 334) answer = await ask(base64(auth.password));
  } else throw new LostError('auth', 'the host offers neither AUTH PLAIN nor LOGIN');
  if (answer.code !== 235) throw new RefusedError('auth', answer);
}

/** How often deadlines are looked at: late by at most a tenth of the shortest, once in 5 s in practice. */
function tickOf(timeouts: Timeouts): number {
  return Math.min(5000, Math.max(10, Math.min(...Object.values(timeouts)) / 10));
}

function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}
