/** Port 25: the engine with mx's settings, a session for every connection. */
import { type Listener, type ListenerOptions, openListener } from '@waybill/listener';
import { formatReply } from '@waybill/smtp';
import { BodyBudget, refusalLine, serveSmtp, type SmtpServerOptions } from '@waybill/smtp/server';
import { turnAway } from './phases/connect.ts';
import { MxSession, type MxSessionOptions } from './session.ts';

export interface DoorOptions extends Pick<
  ListenerOptions,
  'host' | 'port' | 'proxyFrom' | 'limits' | 'tls' | 'tickMs'
> {
  readonly maxMessageBytes: number;
  readonly maxRecipients: number;
  readonly bodiesInFlight: number;
  readonly bareLineEnds: 'refuse' | 'normalise';
  readonly transcripts: 'off' | 'failures' | 'all';
  readonly session: MxSessionOptions;
}

/** @throws what listen() reports, for instance EADDRINUSE */
export function openDoor(options: DoorOptions): Promise<Listener> {
  const { maxMessageBytes, maxRecipients, bodiesInFlight, bareLineEnds, transcripts, session, ...listener } =
    options;
  const { events, gate, hostname } = session;
  const engine: SmtpServerOptions = {
    protocol: 'smtp',
    hostname,
    maxSize: maxMessageBytes,
    tls: options.tls === undefined ? 'none' : 'starttls',
    auth: false,
    bareLineEnds,
    maxRecipients,
    budget: new BodyBudget(bodiesInFlight),
    onError: (error, _phase, peer) => events.sessionError(error, peer.sessionId),
  };
  return openListener({
    ...listener,
    onConnection: (connection) => {
      const { sessionId, remoteAddress: address, remotePort: port } = connection;
      const turned = turnAway(gate, address);
      if (turned !== undefined) {
        events.connectionRefused(turned.why, address, turned.reply.lines[0]);
        connection.end(formatReply(turned.reply));
        return;
      }
      const own = new MxSession(session, { sessionId, address, port });
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
