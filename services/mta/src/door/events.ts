/** Every count and outcome line of mta's inner door. None of these throws or waits. */
import type { Log, Metrics } from '@waybill/daemon';
import type { Journey, JourneyEvent } from '@waybill/journey';
import { formatAddress, type Mailbox, type Reply } from '@waybill/smtp';
import type { Peer } from '@waybill/smtp/server';
import type { Drafted } from './data.ts';

export interface DoorEvents {
  /** The message is ours now. */
  accepted(drafted: Drafted, peer: Peer, helo: string, tookMs: number, answer: Reply): void;
  /** The message was ours before: the answer to an earlier time was lost. */
  repeated(id: string, peer: Peer): void;
  /** The spool could not be written; the agent before us keeps the message. */
  notKept(id: string, peer: Peer, error: unknown, answer: Reply): void;
  messageRefused(id: string, from: Mailbox | undefined, peer: Peer, answer: Reply): void;
  recipientRefused(id: string, recipient: string, peer: Peer, answer: Reply): void;
  /** A client that may not hand over mail here. */
  stranger(peer: Peer): void;
  /** A conversation is over and is worth keeping. */
  transcript(journeyId: string | undefined, text: string, peer: Peer): void;
  connectionRefused(why: string): void;
  /** The engine or a session failed in a way that no code foresaw. */
  sessionError(error: unknown, sessionId: string): void;
}

export function openDoorEvents(log: Log, metrics: Metrics, journey: Journey): DoorEvents {
  const messages = metrics.counter(
    'mta_door_messages',
    'Messages handed over to mta, by what became of them',
    ['outcome'],
  );
  const recipients = metrics.counter(
    'mta_door_refused_recipients',
    'Refused RCPT commands at the door of mta',
    ['code'],
  );
  const octets = metrics.counter('mta_door_accepted_bytes', 'Octets of messages handed over to mta');
  const seconds = metrics.seconds('mta_door_accept', 'From the final dot to the answer at the door of mta');
  const refusals = metrics.counter('mta_door_refused_connections', 'Connections to mta not served', ['why']);
  const errors = metrics.counter(
    'mta_door_session_errors',
    'Failures at the door of mta that no code foresaw',
  );

  return {
    accepted({ draft, messageId }, peer, helo, tookMs, answer) {
      messages.inc({ outcome: 'accepted' });
      octets.inc(draft.message.length);
      seconds.observe(tookMs / 1000);
      const count = draft.recipients.length;
      journey.record({
        ...about(draft.id, 'data.accept', peer, answer),
        sender: draft.returnPath,
        ...(messageId === undefined ? {} : { messageId }),
        peerHost: helo.slice(0, 256),
        tookMs: Math.round(tookMs),
        data: {
          size: draft.message.length,
          recipients: draft.recipients.slice(0, 20).map(({ address }) => address),
          count,
          ...(peer.agent === undefined ? {} : { from: peer.agent }),
        },
      });
      log.info(
        {
          journey: draft.id,
          session: peer.sessionId,
          from: draft.returnPath.slice(0, 256),
          recipients: count,
          size: draft.message.length,
          address: peer.address,
          agent: peer.agent,
          ms: Math.round(tookMs),
        },
        'accepted',
      );
    },
    repeated(id, peer) {
      messages.inc({ outcome: 'repeated' });
      journey.record({
        journeyId: id,
        kind: 'data.accept',
        sessionId: peer.sessionId,
        status: 'info',
        summary: 'handed over again after a lost answer, and kept once',
        peerAddress: peer.address,
      });
      log.info({ journey: id, session: peer.sessionId, address: peer.address }, 'repeated');
    },
    notKept(id, peer, error, answer) {
      messages.inc({ outcome: 'not-kept' });
      journey.record(about(id, 'mail.reject', peer, answer));
      log.error({ journey: id, session: peer.sessionId, err: error }, 'not kept');
    },
    messageRefused(id, from, peer, answer) {
      messages.inc({ outcome: 'refused' });
      const sender = from === undefined ? '' : formatAddress(from);
      journey.record({ ...about(id, 'mail.reject', peer, answer), sender });
      log.info({ journey: id, session: peer.sessionId, code: answer.code, why: answer.lines[0] }, 'refused');
    },
    recipientRefused(id, recipient, peer, answer) {
      recipients.inc({ code: answer.enhanced });
      journey.record({ ...about(id, 'rcpt.reject', peer, answer), recipient });
      log.info(
        {
          journey: id,
          session: peer.sessionId,
          recipient: recipient.slice(0, 256),
          code: answer.code,
          address: peer.address,
        },
        'recipient refused',
      );
    },
    stranger(peer) {
      refusals.inc({ why: 'stranger' });
      log.warn({ address: peer.address, agent: peer.agent }, 'may not hand over mail here');
    },
    transcript(journeyId, text, peer) {
      journey.transcript(peer.sessionId, journeyId, text);
    },
    connectionRefused(why) {
      refusals.inc({ why });
    },
    sessionError(error, sessionId) {
      errors.inc();
      log.error({ err: error, session: sessionId }, 'session failed');
    },
  };
}

function about(id: string, kind: JourneyEvent['kind'], peer: Peer, answer: Reply): JourneyEvent {
  return {
    journeyId: id,
    kind,
    sessionId: peer.sessionId,
    status: answer.code < 400 ? 'ok' : answer.code < 500 ? 'temporary' : 'permanent',
    code: answer.code,
    enhanced: answer.enhanced,
    summary: answer.lines[0] ?? '',
    peerAddress: peer.address,
    ...(peer.agent === undefined ? {} : { peerHost: peer.agent }),
    ...(peer.tls === undefined ? {} : { tls: peer.tls.protocol }),
  };
}
