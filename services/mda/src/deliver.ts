/** One message filed for each of its recipients: summarised once, its body stored once. */
import type { Blobstore } from '@waybill/blobstore';
import type { AccountRef, Body, DeliverItem, DeliverVerdict, DeliveryStore } from '@waybill/mailstore';
import { degradedSummary, encodeSummary, summarise, type Summary } from '@waybill/message';
import { formatPath, type Mailbox, type Reply } from '@waybill/smtp';
import type { Peer } from '@waybill/smtp/server';
import type { Events, Filing } from './events.ts';
import { isJunk } from './junk.ts';
import { RECORDED, TROUBLE, verdictReply } from './verdict.ts';

export interface Recipient {
  readonly address: string;
  readonly deliveryId: string;
  /** The id was made here: a foreign MTA named none. */
  readonly minted: boolean;
  readonly journeyId?: string;
  /** Undefined: this delivery is recorded already. */
  readonly account?: AccountRef;
}

export interface Filer {
  readonly store: DeliveryStore;
  readonly blobs: Pick<Blobstore, 'put'>;
  readonly events: Events;
  /** Octets up to which a body lies in the message row. */
  readonly inlineBytes: number;
}

/** What all recipients of one message have in common. */
interface Letter {
  readonly from: Mailbox | undefined;
  readonly body: Body;
  readonly summary: Buffer;
  readonly sentAt: Date | null;
  readonly target: DeliverItem['target'];
}

/**
 * Files the message and answers for each recipient, in order. Never rejects: what fails is temporary
 * for the recipients that it concerns, and for no other.
 */
export async function deliver(
  filer: Filer,
  from: Mailbox | undefined,
  recipients: readonly Recipient[],
  octets: Buffer,
  peer: Peer,
): Promise<Reply[]> {
  const begun = performance.now();
  if (recipients.every((recipient) => recipient.account === undefined)) return recipients.map(() => RECORDED);
  const summary = summaryOf(octets, filer.events);
  const filing = (recipient: Recipient): Filing => ({
    recipient: recipient.address,
    deliveryId: recipient.deliveryId,
    ...(recipient.journeyId === undefined ? {} : { journeyId: recipient.journeyId }),
    messageId: summary.messageId,
    size: octets.length,
    tookMs: performance.now() - begun,
    peer,
  });
  const fail = (recipient: Recipient, error: unknown): Reply => {
    filer.events.failed(filing(recipient), error, TROUBLE);
    return TROUBLE;
  };
  let letter: Letter;
  try {
    letter = {
      from,
      // Blob first, then the row that refers to it.
      body: octets.length <= filer.inlineBytes ? { inline: octets } : await stored(filer, octets),
      summary: encodeSummary(summary),
      sentAt: summary.sentAt === null ? null : new Date(summary.sentAt),
      target: isJunk(octets, peer) ? 'junk' : 'inbox',
    };
  } catch (error) {
    return recipients.map((recipient) =>
      recipient.account === undefined ? RECORDED : fail(recipient, error),
    );
  }
  const copies = new Map<string, Promise<DeliverVerdict>>();
  return Promise.all(
    recipients.map(async (recipient) => {
      if (recipient.account === undefined) return RECORDED;
      try {
        const filed = await file(filer.store, letter, recipient, recipient.account, copies);
        const verdict = await recalled(filer.store, filed, recipient, recipient.account);
        const answer = verdictReply(verdict, letter.target);
        filer.events.filed(filing(recipient), verdict, answer);
        return answer;
      } catch (error) {
        return fail(recipient, error);
      }
    }),
  );
}

async function stored(filer: Filer, octets: Buffer): Promise<Body> {
  const { blobKey } = await filer.blobs.put(octets);
  return { blobKey, size: octets.length };
}

/** Recipients of a foreign MTA that are one mailbox get one copy; agents have seen to that before. */
function file(
  store: DeliveryStore,
  letter: Letter,
  recipient: Recipient,
  account: AccountRef,
  copies: Map<string, Promise<DeliverVerdict>>,
): Promise<DeliverVerdict> {
  const before = recipient.minted ? copies.get(account.accountId) : undefined;
  if (before !== undefined) return before;
  const item: DeliverItem = {
    account,
    deliveryId: recipient.deliveryId,
    prefix: deliveryFields(letter.from, recipient.address),
    body: letter.body,
    summary: letter.summary,
    sentAt: letter.sentAt,
    target: letter.target,
  };
  const verdict = store.deliver(item);
  if (recipient.minted) copies.set(account.accountId, verdict);
  return verdict;
}

/** An earlier attempt may have filed it before the account was removed: its sender hears of no failure then. */
async function recalled(
  store: DeliveryStore,
  verdict: DeliverVerdict,
  { deliveryId }: Recipient,
  { accountId }: AccountRef,
): Promise<DeliverVerdict> {
  if (verdict.status !== 'no-such-account') return verdict;
  return (await store.isDelivered(accountId, deliveryId)) ? { status: 'duplicate' } : verdict;
}

/** Return-Path (RFC 5321 §4.4) and Delivered-To: what belongs to this delivery alone. */
function deliveryFields(from: Mailbox | undefined, address: string): Buffer {
  return Buffer.from(`Return-Path: ${formatPath(from)}\r\nDelivered-To: ${address}\r\n`);
}

/** A message that no reader understands is still a message: it is filed as one opaque part. */
function summaryOf(octets: Buffer, events: Events): Summary {
  try {
    return summarise(octets);
  } catch (error) {
    events.poison(error, octets.length);
    return degradedSummary(octets);
  }
}
