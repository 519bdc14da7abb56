import type { Auth } from '@waybill/auth-client';
import type { Blobstore } from '@waybill/blobstore';
import {
  type Claimed,
  type Draft,
  type Failure,
  type Kicker,
  newSpoolId,
  type SpoolWork,
} from '@waybill/spool';
import type { Peer } from '../deliver/over-smtp.ts';
import type { Ending, Events } from '../events.ts';
import { replyLine, statusOf, type Verdict } from '../outcome.ts';
import { nextAttempt, OWN_TROUBLE } from '../work/schedule.ts';
import { composeReport, type FailedRecipient } from './dsn.ts';
import { addressees, unreported } from './notices.ts';

export interface ClosingOptions {
  readonly spool: SpoolWork;
  readonly kicker: Pick<Kicker, 'kick'>;
  readonly auth: Pick<Auth, 'resolve'>;
  readonly blobs: Pick<Blobstore, 'get'>;
  readonly events: Events;
  readonly hostname: string;
  /** Seconds, see parseSchedule. */
  readonly schedule: readonly number[];
  readonly reportFullBytes: number;
}

interface Heard {
  readonly verdicts: readonly Verdict[];
  readonly peer: Peer | undefined;
  readonly local: boolean;
}

interface Closed {
  readonly claim: Claimed;
  readonly verdict: Verdict;
  /** What the row and the report say of it. */
  readonly code: string;
  readonly expired: boolean;
}

/** While auth cannot say where a report goes, the failure itself waits, ms. */
const REPORT_WAITS = 30_000;

/**
 * Writes the verdicts of an attempt into the spool: delivered, queued again, or failed with one
 * report for all that failed, in one commit.
 */
export class Closing {
  readonly #options: ClosingOptions;

  constructor(options: ClosingOptions) {
    this.#options = options;
  }

  /** @throws what the spool throws when it cannot be reached */
  async close(claims: readonly Claimed[], heard: Heard, tookMs: number): Promise<void> {
    const failed: Closed[] = [];
    const fenced: Claimed[] = [];
    const writes: Promise<void>[] = [];
    const now = Date.now();
    // One for all: who was tried together comes back together, and to another mta of ours under the same name.
    const random = Math.random();
    for (let i = 0; i < claims.length; i++) {
      const claim = claims[i] as Claimed;
      const verdict = heard.verdicts[i] as Verdict;
      const end = (ending: Ending): void =>
        this.#options.events.attemptEnds(claim, verdict, ending, heard.peer, tookMs);
      if (verdict.kind === 'fenced') {
        fenced.push(claim);
        end({ kind: 'given-back' });
      } else if (verdict.kind === 'delivered') writes.push(this.#delivered(claim, verdict, heard.peer, end));
      else {
        const fate = this.#fate(claim, verdict, heard.local, now, random);
        if (fate.kind === 'failed') failed.push({ claim, verdict, code: fate.code, expired: fate.expired });
        else writes.push(this.#deferred(claim, verdict, heard.peer, fate.delayMs, end));
      }
    }
    if (fenced.length > 0) writes.push(this.#options.spool.release(fenced));
    if (failed.length > 0) writes.push(this.#failed(failed, heard, tookMs));
    if (writes.length === 1) await writes[0];
    else await Promise.all(writes);
  }

  /** Tried again, or over. Pure. */
  #fate(
    claim: Claimed,
    verdict: Verdict,
    local: boolean,
    now: number,
    random: number,
  ):
    | { readonly kind: 'retry'; readonly delayMs: number }
    | { readonly kind: 'failed'; readonly code: string; readonly expired: boolean } {
    if (verdict.kind === 'failed') return { kind: 'failed', code: statusOf(verdict.reply), expired: false };
    // A full mailbox is its owner's affair and waits as strangers' mail does (RFC 3463 §3.3); our own trouble passes soon.
    const soon = local && !verdict.reply.enhanced.startsWith('4.2.');
    const steps = soon ? OWN_TROUBLE : this.#options.schedule;
    const next = nextAttempt(steps, claim.attempts, now, claim.expiresAt.getTime(), random);
    if (next.kind === 'retry') return next;
    // What mda may have filed already is never returned before mda was asked: it answers 250 for a recorded delivery.
    if (local && !verdict.said && (claim.unknownOutcome || verdict.unknown))
      return { kind: 'retry', delayMs: 60_000 };
    return { kind: 'failed', code: '4.4.7', expired: true }; // RFC 3463 §3.5: delivery time expired
  }

  async #delivered(
    claim: Claimed,
    verdict: Verdict,
    peer: Peer | undefined,
    end: (ending: Ending) => void,
  ): Promise<void> {
    const written = await this.#options.spool.finish({
      kind: 'delivered',
      claim,
      code: statusOf(verdict.reply),
      text: replyLine(verdict.reply),
      peer: peerText(peer),
    });
    if (!written) this.#options.events.leaseLost(claim, verdict);
    end({ kind: 'delivered' });
  }

  async #deferred(
    claim: Claimed,
    verdict: Verdict,
    peer: Peer | undefined,
    delayMs: number,
    end: (ending: Ending) => void,
  ): Promise<void> {
    const written = await this.#options.spool.finish({
      kind: 'retry',
      claim,
      code: statusOf(verdict.reply),
      text: replyLine(verdict.reply),
      peer: peerText(peer),
      delayMs,
      unknownOutcome: verdict.unknown,
    });
    if (!written) this.#options.events.leaseLost(claim, verdict);
    end({ kind: 'deferred', delayMs });
  }

  async #failed(failed: readonly Closed[], heard: Heard, tookMs: number): Promise<void> {
    const { spool, kicker, events } = this.#options;
    const told = failed.filter(({ claim }) => unreported(claim) === undefined);
    const answer =
      told[0] === undefined ? undefined : await addressees(this.#options.auth, told[0].claim.returnPath);
    if (answer?.kind === 'try-later') {
      await Promise.all(
        failed.map(({ claim, verdict }) =>
          this.#deferred(claim, verdict, heard.peer, REPORT_WAITS, (ending) =>
            events.attemptEnds(claim, verdict, ending, heard.peer, tookMs),
          ),
        ),
      );
      return;
    }
    const report =
      answer?.kind === 'known' ? await this.#report(told, answer.recipients, heard.peer) : undefined;
    const failure: Failure = {
      claims: failed.map(({ claim, verdict, code }) => ({
        claim,
        code,
        text: replyLine(verdict.reply),
        peer: peerText(heard.peer),
      })),
      ...(report === undefined ? {} : { report }),
    };
    if (!(await spool.fail(failure))) {
      for (const { claim, verdict } of failed) events.leaseLost(claim, verdict);
      return;
    }
    for (const { claim, verdict, expired } of failed)
      events.attemptEnds(claim, verdict, { kind: 'failed', expired }, heard.peer, tookMs);
    for (const { claim } of failed) {
      const why = unreported(claim) ?? (answer?.kind === 'nobody' ? 'no-such-sender' : undefined);
      if (why !== undefined) events.unreported(claim, why);
    }
    if (report === undefined) return;
    events.reported(
      told.map(({ claim }) => claim),
      report.id,
      told[0]?.claim.returnPath ?? '',
    );
    for (const destination of new Set(report.recipients.map((one) => one.destination)))
      kicker.kick(destination);
  }

  async #report(
    told: readonly Closed[],
    recipients: Draft['recipients'],
    peer: Peer | undefined,
  ): Promise<Draft> {
    const first = (told[0] as Closed).claim;
    const original = told.find(({ claim }) => claim.body !== null)?.claim.body ?? (await this.#stored(first));
    const message = composeReport({
      hostname: this.#options.hostname,
      sender: first.returnPath,
      journeyId: first.spoolId,
      envid: first.envid,
      ret: first.ret,
      arrivedAt: first.acceptedAt,
      now: new Date(),
      failed: told.map((one) => failedRecipient(one, peer)),
      original,
      fullLimit: this.#options.reportFullBytes,
    });
    return {
      id: newSpoolId(),
      origin: 'dsn',
      returnPath: '', // RFC 3464 §2: so that no report is ever reported on
      recipients,
      message,
      smtputf8: recipients.some(({ address }) => /[^\x20-\x7e]/u.test(address)),
      hops: 0,
      parentId: first.spoolId,
    };
  }

  /** A body that cannot be had any more must not keep the sender from being told. */
  async #stored(claim: Claimed): Promise<Buffer> {
    if (claim.blobKey === null) return Buffer.alloc(0);
    try {
      return await this.#options.blobs.get(claim.blobKey);
    } catch (error) {
      this.#options.events.trouble('body for a report', error);
      return Buffer.alloc(0);
    }
  }
}

function failedRecipient({ claim, verdict, code, expired }: Closed, peer: Peer | undefined): FailedRecipient {
  const line = replyLine(verdict.reply);
  return {
    address: claim.address,
    orcpt: claim.orcpt,
    status: code,
    diagnostic: expired ? `${line} (tried until the delivery time expired)` : line,
    ...(verdict.said && peer !== undefined ? { remoteHost: peer.host } : {}),
    mayHaveArrived: claim.unknownOutcome || verdict.unknown,
  };
}

function peerText(peer: Peer | undefined): string {
  return peer === undefined ? '' : `${peer.host}[${peer.address}]`;
}
