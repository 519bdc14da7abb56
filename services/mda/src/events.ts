/** Every count and outcome line that mda can emit. None of these throws or waits. */
import type { Log, Metrics } from '@waybill/daemon';
import type { Journey } from '@waybill/journey';
import type { DeliverVerdict } from '@waybill/mailstore';
import type { Reply } from '@waybill/smtp';
import type { Peer } from '@waybill/smtp/server';

/** One recipient's delivery, for the log and the journey. */
export interface Filing {
  readonly recipient: string;
  readonly deliveryId: string;
  readonly journeyId?: string;
  readonly messageId: string;
  readonly size: number;
  readonly tookMs: number;
  readonly peer: Peer;
}

export interface Events {
  /** A message has come in whole; `taken` says that all of its recipients are answered. */
  coming(): void;
  taken(): void;
  /** A message was filed, found filed before, or not taken by the store. */
  filed(filing: Filing, verdict: DeliverVerdict, reply: Reply): void;
  /** The store could not be used; the recipient is told to try again. */
  failed(filing: Filing, error: unknown, reply: Reply): void;
  /** RCPT was refused. */
  refused(recipient: string, journeyId: string | undefined, peer: Peer, reply: Reply): void;
  /** A client that may not deliver here. */
  stranger(peer: Peer): void;
  /** A message's structure could not be read; it is filed as one opaque part. */
  poison(error: unknown, size: number): void;
  /** The blobstore or the store answered an error outside a delivery. */
  trouble(what: string, error: unknown): void;
  swept(what: string, count: number): void;
  /** A connection was not served. */
  connectionRefused(why: string): void;
  /** The engine or a session failed in a way that no code foresaw. */
  sessionError(error: unknown, sessionId: string): void;
}

export function openEvents(log: Log, metrics: Metrics, journey: Journey): Events {
  const deliveries = metrics.counter('mda_deliveries', 'Recipients by what became of them', ['outcome']);
  const octets = metrics.counter('mda_stored_bytes', 'Octets of messages filed');
  const seconds = metrics.seconds('mda_delivery', 'From the final dot to the verdict');
  const degraded = metrics.counter('mda_opaque_messages', 'Messages filed without structure');
  const refusals = metrics.counter('mda_refused_connections', 'Connections not served', ['why']);
  let inHand = 0;
  metrics.gauge('mda_messages_in_hand', 'Messages between their final dot and the answers', () => inHand);
  const sweeps = metrics.counter('mda_swept', 'Rows and bodies swept', ['what']);

  const record = (filing: Filing, kind: 'store.append' | 'lmtp.end', reply: Reply, uid?: number): void => {
    journey.record({
      ...(filing.journeyId === undefined ? {} : { journeyId: filing.journeyId }),
      kind,
      sessionId: filing.peer.sessionId,
      recipient: filing.recipient,
      messageId: filing.messageId.slice(0, 256),
      status: reply.code < 400 ? 'ok' : reply.code < 500 ? 'temporary' : 'permanent',
      code: reply.code,
      enhanced: reply.enhanced,
      summary: reply.lines[0] ?? '',
      peerAddress: filing.peer.address,
      ...(filing.peer.agent === undefined ? {} : { peerHost: filing.peer.agent }),
      ...(filing.peer.tls === undefined ? {} : { tls: filing.peer.tls.protocol }),
      tookMs: Math.round(filing.tookMs),
      data: { deliveryId: filing.deliveryId, size: filing.size, ...(uid === undefined ? {} : { uid }) },
    });
  };
  const line = (filing: Filing, reply: Reply): object => ({
    journey: filing.journeyId,
    delivery: filing.deliveryId,
    recipient: filing.recipient.slice(0, 256),
    size: filing.size,
    code: reply.code,
    ms: Math.round(filing.tookMs),
  });

  return {
    coming: () => void inHand++,
    taken: () => void inHand--,
    filed(filing, verdict, reply) {
      deliveries.inc({ outcome: verdict.status });
      seconds.observe(filing.tookMs / 1000);
      if (verdict.status === 'stored') {
        octets.inc(filing.size);
        record(filing, 'store.append', reply, verdict.uid);
      } else record(filing, 'lmtp.end', reply);
      log.info(line(filing, reply), verdict.status);
    },
    failed(filing, error, reply) {
      deliveries.inc({ outcome: 'failed' });
      record(filing, 'lmtp.end', reply);
      log.error({ ...line(filing, reply), err: error }, 'not stored');
    },
    refused(recipient, journeyId, peer, reply) {
      deliveries.inc({ outcome: 'refused' });
      journey.record({
        ...(journeyId === undefined ? {} : { journeyId }),
        kind: 'rcpt.reject',
        sessionId: peer.sessionId,
        recipient,
        status: reply.code < 500 ? 'temporary' : 'permanent',
        code: reply.code,
        enhanced: reply.enhanced,
        summary: reply.lines[0] ?? '',
        peerAddress: peer.address,
      });
      log.info({ journey: journeyId, recipient: recipient.slice(0, 256), code: reply.code }, 'refused');
    },
    stranger(peer) {
      refusals.inc({ why: 'stranger' });
      log.warn({ address: peer.address, agent: peer.agent }, 'may not deliver here');
    },
    poison(error, size) {
      degraded.inc();
      log.error({ err: error, size }, 'filed without structure');
    },
    trouble(what, error) {
      log.error({ err: error }, what);
    },
    swept(what, count) {
      if (count === 0) return;
      sweeps.inc({ what }, count);
      log.info({ what, count }, 'swept');
    },
    connectionRefused(why) {
      refusals.inc({ why });
    },
    sessionError(error, sessionId) {
      log.error({ err: error, session: sessionId }, 'session failed');
    },
  };
}
