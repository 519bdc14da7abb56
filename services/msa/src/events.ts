/** Every count and outcome line that msa can emit. None of these throws or waits. */
import type { Log, Metrics } from '@waybill/daemon';
import type { Journey, JourneyEvent } from '@waybill/journey';
import { formatAddress, type Mailbox, nextIdOf, type Reply } from '@waybill/smtp';
import type { Peer } from '@waybill/smtp/server';
import type { Kept } from '@waybill/custody';
import type { Drafted } from './phases/data.ts';
import { type Limited, limitLabel } from './phases/limits.ts';

export interface Events {
  authenticated(account: string, mechanism: string, peer: Peer, answer: Reply): void;
  notAuthenticated(username: string, mechanism: string, peer: Peer, answer: Reply): void;
  /** The message is ours now, or the next machine's. */
  accepted(drafted: Drafted, account: string, peer: Peer, tookMs: number, answer: Reply, kept: Kept): void;
  /** The spool could not be written, or the next machine did not answer; the client was told to try again. */
  notKept(id: string, peer: Peer, error: unknown, answer: Reply): void;
  /** The whole message was refused. */
  messageRefused(id: string, from: Mailbox | undefined, peer: Peer, answer: Reply): void;
  /** The account has sent enough for now, or is held; the client was told to try later. */
  limited(id: string, account: string, why: Limited, peer: Peer, answer: Reply): void;
  /** RCPT was refused. */
  recipientRefused(id: string | undefined, recipient: string, peer: Peer, answer: Reply): void;
  /** A conversation is over and is worth keeping. */
  transcript(journeyId: string | undefined, text: string, peer: Peer): void;
  /** A connection was not served. */
  connectionRefused(why: string): void;
  /** A banned network was turned away. */
  banned(address: string, reason: string): void;
  /** A call to auth got no answer. */
  authTrouble(call: string, cause: unknown): void;
  /** The engine or a session failed in a way that no code foresaw. */
  sessionError(error: unknown, sessionId: string): void;
}

export function openEvents(log: Log, metrics: Metrics, journey: Journey): Events {
  const messages = metrics.counter('msa_messages', 'Messages by what became of them', ['outcome']);
  const logins = metrics.counter('msa_logins', 'AUTH by outcome', ['outcome']);
  const recipients = metrics.counter('msa_refused_recipients', 'Refused RCPT commands', ['code']);
  const limits = metrics.counter('submission_limited', 'Messages that a limit of their account put off', [
    'limit',
  ]);
  const octets = metrics.counter('msa_accepted_bytes', 'Octets of accepted messages');
  const seconds = metrics.seconds('msa_accept', 'From the final dot to the answer');
  const refusals = metrics.counter('msa_refused_connections', 'Connections not served', ['why']);
  const trouble = metrics.counter('msa_auth_trouble', 'Calls to auth without an answer', ['call']);
  const errors = metrics.counter('msa_session_errors', 'Failures that no code foresaw');

  return {
    authenticated(account, mechanism, peer, answer) {
      logins.inc({ outcome: 'ok' });
      journey.record({ ...about(undefined, 'auth.ok', peer, answer), sender: account, data: { mechanism } });
      log.info({ session: peer.sessionId, account, mechanism, address: peer.address }, 'authenticated');
    },
    notAuthenticated(username, mechanism, peer, answer) {
      logins.inc({ outcome: answer.code < 500 ? 'try-later' : 'denied' });
      journey.record({ ...about(undefined, 'auth.fail', peer, answer), data: { mechanism } });
      log.warn(
        { session: peer.sessionId, username: username.slice(0, 256), mechanism, address: peer.address },
        'not authenticated',
      );
    },
    accepted({ draft, messageId }, account, peer, tookMs, answer, kept) {
      messages.inc({ outcome: 'accepted' });
      octets.inc(draft.message.length);
      seconds.observe(tookMs / 1000);
      const count = draft.recipients.length;
      journey.record({
        ...about(draft.id, 'data.accept', peer, answer),
        sender: draft.returnPath,
        messageId,
        tookMs: Math.round(tookMs),
        data: {
          account,
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
          account,
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
    limited(id, account, why, peer, answer) {
      messages.inc({ outcome: 'limited' });
      limits.inc({ limit: limitLabel(why) });
      const limit = why.status === 'held' ? 'held' : why.limit;
      journey.record({
        ...about(id, 'mail.reject', peer, answer),
        sender: account,
        data: { account, limit },
      });
      log.warn({ journey: id, session: peer.sessionId, account, limit, address: peer.address }, 'limited');
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
    banned(address, reason) {
      refusals.inc({ why: 'banned' });
      log.info({ address, reason: reason.slice(0, 256) }, 'a banned network was turned away');
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
