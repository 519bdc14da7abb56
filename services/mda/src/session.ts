/** One LMTP conversation (RFC 2033): who may deliver, and for whom. Filing is deliver.ts. */
import { randomUUID } from 'node:crypto';
import type { Auth } from '@waybill/auth-client';
import type { Networks } from '@waybill/listener';
import type { DeliveryStore } from '@waybill/mailstore';
import {
  formatAddress,
  type Mailbox,
  type MailParameters,
  type RcptParameters,
  type Reply,
  reply,
} from '@waybill/smtp';
import type { Peer, ReceivedMessage, SmtpSession } from '@waybill/smtp/server';
import { deliver, type Filer, type Recipient } from './deliver.ts';
import { place } from './place.ts';

/** The agents that may deliver; others have no business here, whatever certificate they hold. */
const DELIVERERS: ReadonlySet<string> = new Set(['mta']);
/** Offered to them alone: RCPT then carries XDELIVERY, XACCOUNT and XJOURNEY. */
const PRIVATE = ['XWAYBILL'] as const;

const SENDER_OK = reply(250, '2.1.0', 'OK');
const RECIPIENT_OK = reply(250, '2.1.5', 'OK');
const RECORDED = reply(250, '2.1.5', 'Delivered before');
const NEEDS_TLS = reply(530, '5.7.0', 'Must issue a STARTTLS command with an agent certificate first');
/** Temporary: a certificate of our own mta that has expired must make its mail wait, not come back. */
const STRANGER = reply(450, '4.7.1', 'This host may not deliver here');

export interface MdaSessionOptions extends Filer {
  readonly auth: Pick<Auth, 'resolveOne'>;
  readonly store: DeliveryStore;
  /** Hosts that may deliver without an agent's certificate. */
  readonly foreign: Networks;
}

export class MdaSession implements SmtpSession {
  readonly #options: MdaSessionOptions;
  #peer: Peer | undefined;
  #from: Mailbox | undefined;
  #recipients: Recipient[] = [];

  constructor(options: MdaSessionOptions) {
    this.#options = options;
  }

  capabilities(peer: Peer): readonly string[] {
    return isAgent(peer) ? PRIVATE : [];
  }

  mail(from: Mailbox | undefined, _parameters: MailParameters, peer: Peer): Reply {
    if (!isAgent(peer) && !this.#options.foreign.has(peer.address)) {
      this.#options.events.stranger(peer);
      return peer.tls === undefined ? NEEDS_TLS : STRANGER;
    }
    this.#peer = peer;
    this.#from = from;
    this.#recipients = [];
    return SENDER_OK;
  }

  async rcpt(to: Mailbox, parameters: RcptParameters): Promise<Reply> {
    const address = formatAddress(to);
    const { accountId, deliveryId, journeyId } = parameters;
    const resolution = await this.#options.auth.resolveOne(address);
    const placed = place(resolution, accountId);
    const moved =
      !('account' in placed) || (accountId !== undefined && placed.account.accountId !== accountId);
    // The answer to an earlier attempt may have been lost since the directory changed, or went away.
    const recorded =
      moved && accountId !== undefined && deliveryId !== undefined
        ? await this.#options.store.isDelivered(accountId, deliveryId)
        : false;
    if (!recorded && !('account' in placed)) {
      if (this.#peer !== undefined) {
        this.#options.events.refused(address, journeyId, this.#peer, placed.refusal);
      }
      return placed.refusal;
    }
    this.#recipients.push({
      address,
      deliveryId: deliveryId ?? randomUUID(),
      minted: deliveryId === undefined,
      ...(journeyId === undefined ? {} : { journeyId }),
      ...(recorded || !('account' in placed) ? {} : { account: placed.account }),
    });
    return recorded ? RECORDED : RECIPIENT_OK;
  }

  async message(message: ReceivedMessage): Promise<readonly Reply[]> {
    if (this.#peer === undefined) throw new Error('a message came before MAIL');
    const [first] = message.chunks;
    const octets =
      message.chunks.length === 1 && first !== undefined
        ? first
        : Buffer.concat(message.chunks, message.size);
    const { events } = this.#options;
    events.coming();
    try {
      return await deliver(this.#options, this.#from, this.#recipients, octets, this.#peer);
    } finally {
      events.taken();
    }
  }

  reset(): void {
    this.#from = undefined;
    this.#recipients = [];
  }
}

function isAgent(peer: Peer): boolean {
  return peer.tls !== undefined && peer.agent !== undefined && DELIVERERS.has(peer.agent);
}
