/** Every count and outcome line that mta can emit. None of these throws or waits. */
import type { Log, Metrics } from '@waybill/daemon';
import type { Journey } from '@waybill/journey';
import type { SigningKey } from '@waybill/mail-auth/sign';
import type { Claimed } from '@waybill/spool';
import type { Move } from './sign/rotation.ts';
import type { Peer } from './deliver/over-smtp.ts';
import { nextIdOf } from '@waybill/smtp';
import { replyLine, type Verdict } from './outcome.ts';
import type { Unreported } from './return/notices.ts';

/** How an attempt ended for one recipient. */
export type Ending =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'deferred'; readonly delayMs: number }
  | { readonly kind: 'failed'; readonly expired: boolean }
  | { readonly kind: 'given-back' };

export interface Events {
  /** A message to a foreign destination is about to be tried. */
  attemptStarts(claims: readonly Claimed[], route: string): void;
  /** One recipient's attempt ended, and what we made of it. */
  attemptEnds(claim: Claimed, verdict: Verdict, ending: Ending, peer: Peer | undefined, tookMs: number): void;
  /** A message goes outside under these keys' signatures; none where its author's domain has no key here. */
  signed(spoolId: string, keys: readonly Pick<SigningKey, 'domain' | 'selector' | 'algorithm'>[]): void;
  /** Mail of a stranger goes on to the outside, under this return path of ours. */
  passedOn(claim: Claimed, sender: string): void;
  /** A DKIM key went a step on. */
  keyMoved(move: Move): void;
  /** A report was spooled in the transaction that closed these recipients. */
  reported(claims: readonly Claimed[], reportId: string, returnPath: string): void;
  /** A recipient was closed without a report, for this documented reason. */
  unreported(claim: Claimed, why: Unreported): void;
  /** Somebody else held the row when we wanted to close it: it may be delivered twice. */
  leaseLost(claim: Claimed, verdict: Verdict): void;
  /** A destination is left alone for a while. */
  held(destination: string, ms: number): void;
  kicked(from: 'kick' | 'due' | 'reap'): void;
  swept(what: string, count: number): void;
  /** A dependency or an attempt failed outside what a verdict can say; the work is tried again. */
  trouble(what: string, error: unknown): void;
}

export function openEvents(log: Log, metrics: Metrics, journey: Journey, keepTranscripts: boolean): Events {
  const attempts = metrics.counter(
    'delivery_attempts',
    'Recipients by the way and by how the attempt ended',
    ['way', 'result'],
  );
  const seconds = metrics.seconds('delivery', 'From the claim to the verdict', ['way']);
  const tls = metrics.counter('delivery_tls', 'Conversations with strangers by TLS', ['result']);
  const signatures = metrics.counter(
    'dkim_signed',
    'Signatures made, and messages that went outside without',
    ['result'],
  );
  const moves = metrics.counter('dkim_key_moves', 'Steps of DKIM keys, by where they led', ['to']);
  const reports = metrics.counter('dsn_sent', 'Reports spooled', ['type']);
  const drops = metrics.counter('dsn_unsent', 'Failures closed without a report', ['why']);
  const losses = metrics.counter('leases_lost', 'Outcomes that came after somebody else had taken the row');
  const holds = metrics.counter('destinations_held', 'Times that a destination was left alone after trouble');
  const runs = metrics.counter('queue_runs', 'Destinations worked on, by what woke us', ['from']);
  const sweeps = metrics.counter('spool_swept', 'Rows swept', ['what']);
  const troubles = metrics.counter('mta_troubles', 'Failures outside of verdicts', ['what']);

  return {
    attemptStarts(claims, route) {
      const first = claims[0];
      if (first === undefined) return;
      journey.record({
        journeyId: first.spoolId,
        kind: 'route',
        status: 'info',
        summary: route,
        data: { destination: first.destination },
      });
      for (const claim of claims)
        journey.record({
          journeyId: claim.spoolId,
          kind: 'attempt.start',
          recipient: claim.address,
          status: 'info',
          summary: `attempt ${claim.attempts + 1} of ${claim.destination}`,
          data: { attempt: claim.attempts + 1 },
        });
    },
    attemptEnds(claim, verdict, ending, peer, tookMs) {
      const way = claim.destination.startsWith('local/') ? 'local' : 'remote';
      attempts.inc({ way, result: ending.kind });
      seconds.observe({ way }, tookMs / 1000);
      if (way === 'remote' && peer !== undefined) tls.inc({ result: peer.tls ?? 'clear' });
      const line = replyLine(verdict.reply);
      const nextId = verdict.kind === 'delivered' ? nextIdOf(verdict.reply) : undefined;
      journey.record({
        journeyId: claim.spoolId,
        kind: 'attempt.end',
        recipient: claim.address,
        status: STATUS[ending.kind],
        code: verdict.reply.code,
        enhanced: verdict.reply.enhanced,
        summary: line,
        tookMs: Math.round(tookMs),
        data: {
          attempt: claim.attempts + 1,
          destination: claim.destination,
          phase: verdict.phase,
          ...(verdict.unknown ? { unknown: true } : {}),
        },
        ...(peer === undefined ? {} : { peerHost: peer.host, peerAddress: peer.address }),
        ...(peer?.sessionId === undefined ? {} : { sessionId: peer.sessionId }),
        ...(peer?.tls === undefined ? {} : { tls: peer.tls }),
        ...(nextId === undefined ? {} : { nextId }),
      });
      if (ending.kind === 'deferred')
        journey.record({
          journeyId: claim.spoolId,
          kind: 'queue.defer',
          recipient: claim.address,
          status: 'temporary',
          summary: `next attempt in ${(ending.delayMs / 1000).toFixed(0)} s`,
          data: { nextAt: new Date(Date.now() + ending.delayMs).toISOString(), attempt: claim.attempts + 1 },
        });
      if (
        peer?.sessionId !== undefined &&
        peer.transcript !== '' &&
        (keepTranscripts || ending.kind !== 'delivered')
      )
        journey.transcript(peer.sessionId, claim.spoolId, peer.transcript);
      log.info(
        {
          journey: claim.spoolId,
          recipient: claim.address.slice(0, 256),
          destination: claim.destination,
          attempt: claim.attempts + 1,
          reply: line.slice(0, 256),
          ms: Math.round(tookMs),
          ...(peer === undefined ? {} : { peer: `${peer.host}[${peer.address}]` }),
          ...(ending.kind === 'deferred' ? { delayMs: ending.delayMs } : {}),
        },
        ending.kind,
      );
    },
    signed(spoolId, keys) {
      const [first] = keys;
      if (first === undefined) {
        signatures.inc({ result: 'unsigned' });
        return;
      }
      for (const { algorithm } of keys) signatures.inc({ result: algorithm });
      journey.record({
        journeyId: spoolId,
        kind: 'sign.dkim',
        status: 'ok',
        summary: `signed for ${first.domain}: ${keys.map(({ selector }) => selector).join(', ')}`,
        data: { domain: first.domain, selectors: keys.map(({ selector }) => selector) },
      });
    },
    passedOn(claim, sender) {
      journey.record({
        journeyId: claim.spoolId,
        kind: 'return.path',
        status: 'info',
        summary: `goes on for <${claim.returnPath}> as <${sender}>: bounces come back here`,
        data: { returnPath: sender },
      });
    },
    keyMoved(move) {
      moves.inc({ to: move.to });
      log[move.to === 'lost' ? 'warn' : 'info'](
        { domain: move.domain, selector: move.selector },
        MOVED[move.to],
      );
    },
    reported(claims, reportId, returnPath) {
      reports.inc({ type: 'failure' });
      const first = claims[0];
      if (first === undefined) return;
      journey.record({
        journeyId: first.spoolId,
        kind: 'dsn.sent',
        status: 'ok',
        summary: `reported ${claims.length} failed recipient(s) to <${returnPath}>`,
        nextId: reportId,
        data: { reportId, failed: claims.map((claim) => claim.address).slice(0, 100) },
      });
      log.info({ journey: first.spoolId, report: reportId, failed: claims.length }, 'reported');
    },
    unreported(claim, why) {
      drops.inc({ why });
      journey.record({
        journeyId: claim.spoolId,
        kind: 'dsn.sent',
        recipient: claim.address,
        status: 'info',
        summary: `closed without a report: ${why}`,
        data: { why },
      });
      log.info(
        { journey: claim.spoolId, recipient: claim.address.slice(0, 256), why },
        'closed without a report',
      );
    },
    leaseLost(claim, verdict) {
      losses.inc();
      log.warn(
        { journey: claim.spoolId, recipient: claim.address.slice(0, 256), verdict: verdict.kind },
        'the lease was lost, possible duplicate',
      );
    },
    held(destination, ms) {
      holds.inc();
      log.info({ destination, ms }, 'destination left alone');
    },
    kicked(from) {
      runs.inc({ from });
    },
    swept(what, count) {
      if (count === 0) return;
      sweeps.inc({ what }, count);
      log.debug({ what, count }, 'swept');
    },
    trouble(what, error) {
      troubles.inc({ what });
      log.error({ err: error }, what);
    },
  };
}

const MOVED = {
  seen: 'the record of a new DKIM key is in DNS',
  lost: 'the record of a new DKIM key was in DNS and is not there now',
  active: 'a new DKIM key signs',
  retired: 'a DKIM key is over: its record may be taken out of DNS',
} as const;

const STATUS = { delivered: 'ok', deferred: 'temporary', failed: 'permanent', 'given-back': 'info' } as const;
