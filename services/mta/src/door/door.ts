/**
 * The inner SMTP door: takes over mail of agents on other machines (a smart host of our own kind), and of hosts
 * that are listed. Off unless it has a port.
 */
import { BodyBudget, type InnerCredentials, type InnerDoor, openInnerDoor } from '@waybill/smtp/server';
import { MtaSession, type MtaSessionOptions } from './session.ts';

/** An agent may hand over what it took with all its recipients at once: aliases are expanded behind it. */
const MAX_RECIPIENTS = 5000;

export interface DoorOptions {
  readonly host?: string;
  readonly port: number;
  readonly credentials: InnerCredentials;
  /** CIDR ranges with commas. */
  readonly networks: string;
  readonly maxConnections: number;
  readonly maxMessageBytes: number;
  readonly bodiesInFlight: number;
  readonly transcripts: 'failures' | 'all';
  readonly session: MtaSessionOptions;
}

/** @throws what listen() reports, for instance EADDRINUSE; or Error for a network that is none */
export function openDoor(options: DoorOptions): Promise<InnerDoor> {
  const { maxMessageBytes, bodiesInFlight, transcripts, session, ...door } = options;
  const { events, hostname } = session;
  const journeys = new Map<string, MtaSession>();
  return openInnerDoor({
    ...door,
    engine: {
      hostname,
      maxSize: maxMessageBytes,
      bareLineEnds: 'refuse',
      maxRecipients: MAX_RECIPIENTS,
      budget: new BodyBudget(bodiesInFlight),
      onError: (error, _phase, peer) => events.sessionError(error, peer.sessionId),
      onTranscript: (text, failed, peer) => {
        if (failed || transcripts === 'all')
          events.transcript(journeys.get(peer.sessionId)?.journeyId, text, peer);
        journeys.delete(peer.sessionId);
      },
    },
    session: ({ sessionId, remoteAddress: address, remotePort: port }, listed) => {
      const own = new MtaSession(session, { sessionId, address, port }, listed);
      journeys.set(sessionId, own);
      return own;
    },
    onRefused: (why) => events.connectionRefused(why),
    onError: (error) => events.sessionError(error, ''),
  });
}
