/** Every count and outcome line that mx can emit. None of these throws or waits. */
import type { Log, Metrics } from '@waybill/daemon';
import type { Journey, JourneyEvent } from '@waybill/journey';
import { nextIdOf, type Reply } from '@waybill/smtp';
import type { Peer } from '@waybill/smtp/server';
import type { Kept } from '@waybill/custody';
import type { SelfTest } from './gate/relay-self-test.ts';
import { LOST_ADDRESS_FIX } from './gate/lost-address.ts';
import type { Drafted } from './phases/data.ts';
import { bestDkim, type Facts, factsData, factsLine, type Listed } from './phases/facts.ts';
import type { Envelope } from './phases/mail.ts';
import type { Refused, Verdict } from './phases/verdict.ts';

/** What the journey says of a transaction. */
export type About = Pick<Envelope, 'id' | 'sender' | 'named'>;

export interface Events {
  /** All checks of a message are made, and this follows from them. */
  judged(envelope: About, messageId: string | undefined, peer: Peer, facts: Facts, verdict: Verdict): void;
  /** A client that a DNS list knows was refused before it sent its message. */
  listed(envelope: About, peer: Peer, lists: Listed, found: Refused, answer: Reply): void;
  /** The message is ours now, or the next machine's. */
  accepted(
    drafted: Drafted,
    peer: Peer,
    helo: string,
    tookMs: number,
    answer: Reply,
    kept: Kept,
    facts: Facts,
  ): void;
  /** The spool could not be written, or the next machine did not answer; the client was told to try again. */
  notKept(envelope: About, peer: Peer, error: unknown, answer: Reply): void;
  /** The whole message was refused. */
  messageRefused(envelope: About, peer: Peer, answer: Reply): void;
  /** RCPT was refused. */
  recipientRefused(envelope: About, recipient: string, peer: Peer, answer: Reply): void;
  /** A conversation is over and is worth keeping. */
  transcript(journeyId: string | undefined, text: string, peer: Peer): void;
  /** A connection was not served. */
  connectionRefused(why: string, address?: string, text?: string): void;
  /** Clients' addresses do not reach us any more, or do again. */
  clientAddress(change: 'lost' | 'found', address: string): void;
  /** What became of the try to relay through ourselves. */
  selfTest(outcome: SelfTest): void;
  /** A DNS list answers with an error, or with nonsense. */
  listTrouble(zone: string, answer: string): void;
  /** A call to auth got no answer. */
  authTrouble(call: string, cause: unknown): void;
  /** The engine or a session failed in a way that no code foresaw. */
  sessionError(error: unknown, sessionId: string): void;
}

/** A list's trouble is logged so often, ms. */
const TROUBLE_EVERY = 600_000;

/** @param lost how many addresses hide clients now */
export function openEvents(log: Log, metrics: Metrics, journey: Journey, lost: () => number): Events {
  const messages = metrics.counter('mx_messages', 'Messages by what became of them', ['outcome']);
  const recipients = metrics.counter('mx_refused_recipients', 'Refused RCPT commands', ['code']);
  const octets = metrics.counter('mx_accepted_bytes', 'Octets of accepted messages');
  const seconds = metrics.seconds('mx_accept', 'From the final dot to the answer');
  const refusals = metrics.counter('mx_refused_connections', 'Connections not served', ['why']);
  const trouble = metrics.counter('mx_auth_trouble', 'Calls to auth without an answer', ['call']);
  const errors = metrics.counter('mx_session_errors', 'Failures that no code foresaw');
  const spfs = metrics.counter('spf', 'SPF of senders', ['result']);
  const dkims = metrics.counter('dkim_verify', 'DKIM signatures looked at', ['result']);
  const dmarcs = metrics.counter('dmarc', 'DMARC of messages, and what was done', ['result', 'disposition']);
  const iprevs = metrics.counter('iprev', 'Names of clients by reverse look-up', ['result']);
  const hits = metrics.counter('dns_list_hits', 'Messages whose client a DNS list knows', ['zone']);
  metrics.gauge('mx_client_address_lost', '1 while clients hide behind an address of ours', () =>
    lost() > 0 ? 1 : 0,
  );
  let relayRefused = Number.NaN;
  metrics.gauge('mx_relay_refused', '1 when the last self-test was refused relaying', () => relayRefused);
  const told = new Map<string, number>();
  const hidden = new Set<string>();

  const refused = (envelope: About, peer: Peer, answer: Reply): void => {
    // One for each recipient: so it is found by every address that it concerns.
    const named = envelope.named.length > 0 ? envelope.named : [undefined];
    for (const recipient of named)
      journey.record({
        ...about(envelope, 'mail.reject', peer, answer),
        ...(recipient === undefined ? {} : { recipient }),
      });
  };

  return {
    judged(envelope, messageId, peer, facts, verdict) {
      spfs.inc({ result: facts.spf.result });
      iprevs.inc({ result: facts.iprev.result });
      for (const { result } of facts.dkim) dkims.inc({ result });
      dmarcs.inc({ result: facts.dmarc.result, disposition: verdict.action });
      for (const zone of [...facts.lists.blocked, ...facts.lists.allowed]) hits.inc({ zone });
      journey.record(judgement(envelope, peer, verdict, factsLine(facts), factsData(facts), messageId));
    },
    listed(envelope, peer, lists, found, answer) {
      for (const zone of lists.blocked) hits.inc({ zone });
      journey.record(judgement(envelope, peer, found, `listed by ${lists.blocked.join(', ')}`, { lists }));
      messages.inc({ outcome: 'refused' });
      refused(envelope, peer, answer);
      log.info(
        { journey: envelope.id, session: peer.sessionId, code: answer.code, why: found.reason },
        'refused',
      );
    },
    accepted({ draft, messageId }, peer, helo, tookMs, answer, kept, facts) {
      messages.inc({ outcome: 'accepted' });
      octets.inc(draft.message.length);
      seconds.observe(tookMs / 1000);
      const count = draft.recipients.length;
      journey.record({
        ...about({ id: draft.id, sender: draft.returnPath }, 'data.accept', peer, answer),
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
          spf: facts.spf.result,
          dkim: bestDkim(facts.dkim)?.result ?? 'none',
          dmarc: facts.dmarc.result,
          ms: Math.round(tookMs),
          ...(kept.kind === 'taken' ? { next: `${kept.peer.host}[${kept.peer.address}]` } : {}),
        },
        'accepted',
      );
    },
    notKept(envelope, peer, error, answer) {
      messages.inc({ outcome: 'not-kept' });
      journey.record(about(envelope, 'mail.reject', peer, answer));
      log.error({ journey: envelope.id, session: peer.sessionId, err: error }, 'not kept');
    },
    messageRefused(envelope, peer, answer) {
      messages.inc({ outcome: answer.code < 500 ? 'deferred' : 'refused' });
      refused(envelope, peer, answer);
      const { id } = envelope;
      log.info({ journey: id, session: peer.sessionId, code: answer.code, why: answer.lines[0] }, 'refused');
    },
    recipientRefused(envelope, recipient, peer, answer) {
      recipients.inc({ code: answer.enhanced });
      journey.record({ ...about(envelope, 'rcpt.reject', peer, answer), recipient });
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
    connectionRefused(why, address, text) {
      refusals.inc({ why });
      if (text !== undefined) log.info({ address, why, text }, 'connection refused');
    },
    clientAddress(change, address) {
      if (change === 'found') log.info({ address }, 'client addresses reach us again');
      else if (!hidden.has(address)) {
        hidden.add(address);
        log.error({ address, fix: LOST_ADDRESS_FIX }, 'the addresses of clients are lost');
      }
    },
    selfTest(outcome) {
      relayRefused = outcome.kind === 'refused' ? 1 : outcome.kind === 'relays' ? 0 : Number.NaN;
      const facts = { from: outcome.from, to: outcome.to, answer: outcome.answer };
      if (outcome.kind === 'refused') log.info(facts, 'self-test: nothing is relayed');
      else if (outcome.kind === 'relays') log.fatal(facts, 'self-test: mail of strangers is relayed');
      else log.warn(facts, 'self-test: auth did not answer, nothing is proved');
    },
    listTrouble(zone, answer) {
      const now = performance.now();
      if (now - (told.get(zone) ?? Number.NEGATIVE_INFINITY) < TROUBLE_EVERY) return;
      told.set(zone, now);
      log.warn(
        { zone, answer },
        'a DNS list answers with an error (it may refuse your resolver, or be gone); it counts for nothing',
      );
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

const STATUS = { accept: 'ok', junk: 'info', defer: 'temporary', reject: 'permanent' } as const;

function judgement(
  envelope: About,
  peer: Peer,
  verdict: Verdict,
  line: string,
  data: Record<string, unknown>,
  messageId?: string,
): JourneyEvent {
  const refusal = 'reply' in verdict ? verdict.reply : undefined;
  return {
    journeyId: envelope.id,
    kind: 'verdict.made',
    sessionId: peer.sessionId,
    status: STATUS[verdict.action],
    ...(refusal === undefined ? {} : { code: refusal.code, enhanced: refusal.enhanced }),
    sender: envelope.sender,
    ...(messageId === undefined ? {} : { messageId }),
    summary: `${verdict.action}: ${verdict.reason}`,
    peerAddress: peer.address,
    data: { ...data, line, verdict: verdict.action, reason: verdict.reason },
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

function about(
  { id, sender }: Pick<About, 'id' | 'sender'>,
  kind: JourneyEvent['kind'],
  peer: Peer,
  answer: Reply,
): JourneyEvent {
  return {
    journeyId: id,
    kind,
    sender,
    sessionId: peer.sessionId,
    status: answer.code < 400 ? 'ok' : answer.code < 500 ? 'temporary' : 'permanent',
    code: answer.code,
    enhanced: answer.enhanced,
    summary: answer.lines[0] ?? '',
    peerAddress: peer.address,
    ...(peer.tls === undefined ? {} : { tls: peer.tls.protocol }),
  };
}
