/** The submission ports: who is banned is turned away, everybody else gets the engine with msa's settings, a session for every connection. */
import type { BanWatch } from '@waybill/auth-client';
import { type Listener, type ListenerOptions, openListener, type TlsContexts } from '@waybill/listener';
import { type BodyBudget, refusalLine, serveSmtp, type SmtpServerOptions } from '@waybill/smtp/server';
import { MsaSession, type MsaSessionOptions } from './session.ts';

export interface DoorOptions extends Pick<
  ListenerOptions,
  'host' | 'port' | 'proxyFrom' | 'limits' | 'implicitTls' | 'tickMs'
> {
  /** Without a certificate nobody can authenticate, so there is no submission without one. */
  readonly tls: TlsContexts;
  readonly maxMessageBytes: number;
  readonly maxRecipients: number;
  readonly budget: BodyBudget;
  readonly bans: Pick<BanWatch, 'reasonFor'>;
  readonly transcripts: 'off' | 'failures' | 'all';
  readonly session: MsaSessionOptions;
}

/** @throws what listen() reports, for instance EADDRINUSE */
export function openDoor(options: DoorOptions): Promise<Listener> {
  const { maxMessageBytes, maxRecipients, budget, bans, transcripts, session, ...listener } = options;
  const { events, hostname } = session;
  const engine: SmtpServerOptions = {
    protocol: 'smtp',
    hostname,
    maxSize: maxMessageBytes,
    tls: 'required',
    auth: true,
    bareLineEnds: 'normalise',
    maxRecipients,
    budget,
    onError: (error, _phase, peer) => events.sessionError(error, peer.sessionId),
  };
  return openListener({
    ...listener,
    onConnection: (connection) => {
      const { sessionId, remoteAddress: address, remotePort: port } = connection;
      const banned = bans.reasonFor(address);
      if (banned !== undefined) {
        events.banned(address, banned);
        connection.end(`554 5.7.1 ${hostname} does not talk to your network\r\n`); // RFC 5321 §3.1
        return;
      }
      const own = new MsaSession(session, { sessionId, address, port });
      if (transcripts === 'off') serveSmtp(connection, engine, own);
      else {
        const onTranscript: SmtpServerOptions['onTranscript'] = (text, failed, peer) => {
          if (failed || transcripts === 'all') events.transcript(own.journeyId, text, peer);
        };
        serveSmtp(connection, { ...engine, onTranscript }, own);
      }
    },
    refusal: refusalLine(hostname),
    onRefused: (why) => events.connectionRefused(why),
    onError: (error) => events.sessionError(error, ''),
  });
}
