/** Every count and outcome line that mx can emit. None of these throws or waits. */
import type { Log, Metrics } from '@waybill/daemon';
import type { Journey, JourneyEvent } from '@waybill/journey';
import { formatAddress, type Mailbox, nextIdOf, type Reply } from '@waybill/smtp';
import type { Peer } from '@waybill/smtp/server';
import type { Kept } from '@waybill/custody';
import type { Drafted } from './phases/data.ts';

export interface Events {
  /** The message is ours now, or the next machine's. */
  accepted(drafted: Drafted, peer: Peer, helo: string, tookMs: number, answer: Reply, kept: Kept): void;
  /** The spool could not be written, or the next machine did not answer; the client was told to try again. */
  notKept(id: string, peer: Peer, error: unknown, answer: Reply): void;
  /** The whole message was refused. */
  messageRefused(id: string, from: Mailbox | undefined, peer: Peer, answer: Reply): void;
  /** RCPT was refused. */
  recipientRefused(id: string | undefined, recipient: string, peer: Peer, answer: Reply): void;
  /** A conversation is over and is worth keeping. */
  transcript(journeyId: string | undefined, text: string, peer: Peer): void;
  /** A connection was not served. */
  connectionRefused(why: string): void;
  /** A call to auth got no answer. */
  authTrouble(call: string, cause: unknown): void;
  /** The engine or a session failed in a way that no code foresaw. */
  sessionError(error: unknown, sessionId: string): void;
}

export function openEvents(log: Log, metrics: Metrics, journey: Journey): Events {
  const messages = metrics.counter('mx_messages', 'Messages by what became of them', ['outcome']);
  const recipients = metrics.counter('mx_refused_recipients', 'Refused RCPT commands', ['code']);
  const octets = metrics.counter('mx_accepted_bytes', 'Octets of accepted messages');
  const seconds = metrics.seconds('mx_accept', 'From the final dot to the answer');
  const refusals = metrics.counter('mx_refused_connections', 'Connections not served', ['why']);
  const trouble = metrics.counter('mx_auth_trouble', 'Calls to auth without an answer', ['call']);
  const errors = metrics.counter('mx_session_errors', 'Failures that no code foresaw');

  return {
    accepted({ draft, messageId }, peer, helo, tookMs, answer, kept) {
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
        },
      });
      if (kept.kind === 'taken') for (const event of handedOn(draft, kept)) journey.record(event);
      log.info(
        {
          journey: draft.id,
          session: peer.sessionId,
          from: draft.returnPath.slice(0, 256),
          recipients: count,
          size: draft.message.length,
          address: peer.address,
          ms: Math.round(tookMs),
          ...(kept.kind === 'taken' ? { next: `${kept.peer.host}[${kept.peer.address}]` } : {}),
        },
        'accepted',
      );
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
          session: peer.sessionId,
          recipient: recipient.slice(0, 256),
          code: answer.code,
          address: peer.address,
        },
        'recipient refused',
      );
    },
    transcript(journeyId, text, peer) {
      journey.transcript(peer.sessionId, journeyId, text);
    },
    connectionRefused(why) {
      refusals.inc({ why });
    },
    authTrouble(call, cause) {
      trouble.inc({ call });
      log.warn({ call, err: cause }, 'auth did not answer');
    },
    sessionError(error, sessionId) {
      errors.inc();
      log.error({ err: error, session: sessionId }, 'session failed');
    },
  };
}

/** One event for each recipient: from here on the next machine knows better. */
function handedOn(
  draft: Drafted['draft'],
  { peer, reply: said }: Kept & { readonly kind: 'taken' },
): JourneyEvent[] {
  const nextId = nextIdOf(said);
  return draft.recipients.map(({ address }) => ({
    journeyId: draft.id,
    kind: 'handed.on',
    recipient: address,
    status: 'ok',
    code: said.code,
    enhanced: said.enhanced,
    summary: said.lines[0] ?? '',
    sessionId: peer.sessionId,
    peerHost: peer.host,
    peerAddress: peer.address,
    ...(peer.tls === undefined ? {} : { tls: peer.tls }),
    // The next machine of our own kind keeps our id.
    ...(nextId === undefined || nextId === draft.id ? {} : { nextId }),
  }));
}

function about(id: string | undefined, kind: JourneyEvent['kind'], peer: Peer, answer: Reply): JourneyEvent {
  return {
    ...(id === undefined ? {} : { journeyId: id }),
    kind,
    sessionId: peer.sessionId,
    status: answer.code < 400 ? 'ok' : answer.code < 500 ? 'temporary' : 'permanent',
    code: answer.code,
    enhanced: answer.enhanced,
    summary: answer.lines[0] ?? '',
    peerAddress: peer.address,
    ...(peer.tls === undefined ? {} : { tls: peer.tls.protocol }),
  };
}
