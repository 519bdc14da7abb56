/** The LMTP port: the engine with mda's settings, a session for every connection. */
import { type Listener, type ListenerOptions, openListener, type TlsContexts } from '@waybill/listener';
import { BodyBudget, refusalLine, serveSmtp, type SmtpServerOptions } from '@waybill/smtp/server';
import { MdaSession, type MdaSessionOptions } from './session.ts';

/** Octets of messages that are coming in or being filed at a time. */
const BODIES_IN_FLIGHT = 256 * 1024 * 1024;
const MAX_RECIPIENTS = 1000;

export interface DoorOptions extends Pick<ListenerOptions, 'host' | 'port' | 'proxyFrom' | 'limits'> {
  readonly hostname: string;
  readonly tls: TlsContexts | undefined;
  readonly maxMessageBytes: number;
  readonly session: MdaSessionOptions;
}

/** @throws what listen() reports, for instance EADDRINUSE */
export function openDoor(options: DoorOptions): Promise<Listener> {
  const { hostname, tls, maxMessageBytes, session, ...listener } = options;
  const { events } = session;
  const engine: SmtpServerOptions = {
    protocol: 'lmtp',
    hostname,
    maxSize: maxMessageBytes,
    tls: tls === undefined ? 'none' : 'starttls',
    auth: false,
    bareLineEnds: 'refuse',
    maxRecipients: MAX_RECIPIENTS,
    // Refusals here are answers to our own mta about many users: they say nothing against it.
    limits: { refusalsAtOnce: 1_000_000, refusals: 1_000_000 },
    budget: new BodyBudget(BODIES_IN_FLIGHT),
    onError: (error, _phase, peer) => events.sessionError(error, peer.sessionId),
  };
  return openListener({
    ...listener,
    tls,
    requestCertificate: true,
    onConnection: (connection) => serveSmtp(connection, engine, new MdaSession(session)),
    refusal: refusalLine(hostname),
    onRefused: (why) => events.connectionRefused(why),
    onError: (error) => events.sessionError(error, ''),
  });
}
