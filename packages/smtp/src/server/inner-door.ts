import { type Connection, type Listener, Networks, openListener, TlsContexts } from '@waybill/listener';
import { serveSmtp } from './conversation.ts';
import { refusalLine, type SmtpServerOptions } from './options.ts';
import type { SmtpSession } from './session.ts';

/**
 * An SMTP port for agents and listed hosts, not for the world: STARTTLS asks for the client's certificate, and
 * each connection is told whether its address is listed. Who may do what is the session's affair.
 */
export interface InnerDoorOptions {
  /** All addresses when not given. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** PEM texts of our own certificate, and of the authorities of the agents that may come. */
  readonly credentials: InnerCredentials;
  /** CIDR ranges with commas: hosts without a certificate that are let in as well. */
  readonly networks: string;
  readonly maxConnections: number;
  /** All but what the door sets itself. */
  readonly engine: Omit<SmtpServerOptions, 'protocol' | 'tls' | 'auth'>;
  /** @param listed whether the connection comes from one of the networks */
  readonly session: (connection: Connection, listed: boolean) => SmtpSession;
  /** A connection was not served. */
  readonly onRefused?: (why: string) => void;
  /** The port failed, or a session could not be made. */
  readonly onError?: (error: Error) => void;
}

export interface InnerCredentials {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface InnerDoor extends Listener {
  /** Handshakes from now on use these. @throws what OpenSSL says of them; the old ones then stay. */
  renew(credentials: InnerCredentials): void;
}

/** @throws what listen() reports, for instance EADDRINUSE; or Error for a network that is none. */
export async function openInnerDoor(options: InnerDoorOptions): Promise<InnerDoor> {
  const networks = new Networks(options.networks);
  // Read again by reload().
  const current = { ...options.credentials };
  const tls = new TlsContexts(current);
  // Limits of who is not listed; none of them is held against an agent once its certificate is known.
  const engine: SmtpServerOptions = {
    ...options.engine,
    protocol: 'smtp',
    tls: 'starttls',
    auth: false,
    outOfTurn: true,
  };
  const forListed: SmtpServerOptions = {
    ...engine,
    // Many refusals are many users' mail, and say nothing against who brings it.
    limits: { refusalsAtOnce: 1_000_000, refusals: 1_000_000, junk: 1_000_000, ...engine.limits },
  };
  const { onRefused, onError } = options;
  const listener = await openListener({
    ...(options.host === undefined ? {} : { host: options.host }),
    port: options.port,
    tls,
    requestCertificate: true,
    limits: {
      maxConnections: options.maxConnections,
      maxPerAddress: Number.POSITIVE_INFINITY,
      unlimited: new Networks(''),
    },
    onConnection: (connection) => {
      const listed = networks.has(connection.remoteAddress);
      serveSmtp(connection, listed ? forListed : engine, options.session(connection, listed));
    },
    refusal: refusalLine(engine.hostname),
    ...(onRefused === undefined ? {} : { onRefused }),
    ...(onError === undefined ? {} : { onError }),
  });
  return {
    get port() {
      return listener.port;
    },
    get open() {
      return listener.open;
    },
    get accepted() {
      return listener.accepted;
    },
    drain: (deadlineMs) => listener.drain(deadlineMs),
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
    renew(credentials) {
      const old = { ...current };
      Object.assign(current, credentials);
      try {
        tls.reload();
      } catch (error) {
        Object.assign(current, old);
        throw error;
      }
    },
  };
}
