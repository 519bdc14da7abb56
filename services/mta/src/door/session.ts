/** One conversation at the inner door: an agent of another machine, or a listed host, hands over mail. */
import { type Auth } from '@waybill/auth-client';
import {
  deliveriesFor,
  DIRECTORY_AWAY,
  NO_ROUTES,
  RECIPIENT_TAKEN,
  routesOf,
  TOO_MANY_TARGETS,
} from '@waybill/custody';
import {
  formatAddress,
  type Mailbox,
  type MailParameters,
  notifyBits,
  type RcptParameters,
  type Reply,
  reply,
} from '@waybill/smtp';
import type { Peer, ReceivedMessage, SmtpSession } from '@waybill/smtp/server';
import { type Kicker, newSpoolId, RecipientList, type SpoolAcceptOnce } from '@waybill/spool';
import { draftOf, type Envelope } from './data.ts';
import type { DoorEvents } from './events.ts';

export interface MtaSessionOptions {
  readonly hostname: string;
  readonly auth: Pick<Auth, 'resolveOne' | 'route'>;
  readonly spool: SpoolAcceptOnce;
  readonly kicker: Pick<Kicker, 'kick'>;
  readonly events: DoorEvents;
}

/** The agents that hand over mail; others have no business here, whatever certificate they hold. */
const SENDERS: ReadonlySet<string> = new Set(['msa', 'mx', 'mta']);
/** Offered to them alone: MAIL then carries XJOURNEY, RCPT XDELIVERY. */
const PRIVATE = ['XWAYBILL'] as const;
/** Deliveries of one message after aliases were expanded. */
const MAX_DELIVERIES = 5000;
const SENDER_TAKEN = reply(250, '2.1.0', 'Sender taken');
// Never an open relay: nothing but a verified certificate or a listed address opens this door.
const STRANGER = reply(550, '5.7.1', 'This host takes mail from its own agents and listed hosts only');
const RECORDED = reply(250, '2.1.5', 'Taken before');
const NOT_KEPT = reply(451, '4.3.0', 'The message could not be kept, try again later');

export class MtaSession implements SmtpSession {
  /** Of the last message that was accepted here. */
  journeyId: string | undefined;
  readonly #options: MtaSessionOptions;
  /** The client's address is one of WAYBILL_MTA_NETWORKS. */
  readonly #listed: boolean;
  #peer: Peer;
  #helo = '';
  #extended = false;
  #envelope: Envelope | undefined;

  constructor(options: MtaSessionOptions, peer: Peer, listed: boolean) {
    this.#options = options;
    this.#peer = peer;
    this.#listed = listed;
  }

  capabilities(peer: Peer): readonly string[] {
    return isSender(peer) ? PRIVATE : [];
  }

  hello(name: string, peer: Peer, extended: boolean): undefined {
    this.#helo = name;
    this.#peer = peer;
    this.#extended = extended;
  }

  mail(from: Mailbox | undefined, parameters: MailParameters, peer: Peer): Reply {
    this.#peer = peer;
    if (!isSender(peer) && !this.#listed) {
      this.#options.events.stranger(peer);
      return STRANGER;
    }
    this.#envelope = {
      id: parameters.journeyId ?? newSpoolId(),
      named: parameters.journeyId !== undefined,
      recorded: false,
      // Whose mail it is decides where it may go: mx brings strangers', everybody else our writers'.
      origin: peer.agent === 'mx' ? 'mx' : 'msa',
      from,
      parameters,
      recipients: new RecipientList(),
      onlyRecipient: undefined,
      taken: 0,
    };
    return SENDER_TAKEN;
  }

  async rcpt(to: Mailbox, parameters: RcptParameters): Promise<Reply> {
    const envelope = this.#envelope;
    if (envelope === undefined) throw new Error('RCPT without MAIL');
    const address = formatAddress(to);
    const resolution = await this.#options.auth.resolveOne(address);
    const routes = resolution.status === 'alias' ? await routesOf(resolution, this.#options.auth) : NO_ROUTES;
    if (routes === undefined) return this.#refused(envelope, address, DIRECTORY_AWAY);
    const { deliveryId, orcpt } = parameters;
    // XACCOUNT is of another machine's directory, and is not looked at.
    const wish = { address, notify: notifyBits(parameters.notify), orcpt, deliveryId };
    const deliveries = deliveriesFor(resolution, wish, routes, envelope.origin);
    if ('code' in deliveries) return this.#refused(envelope, address, deliveries);
    const { recipients, taken } = envelope;
    if (recipients.size + deliveries.length > MAX_DELIVERIES)
      return this.#refused(envelope, address, TOO_MANY_TARGETS);
    for (const delivery of deliveries) recipients.add(delivery);
    this.#envelope = { ...envelope, onlyRecipient: taken === 0 ? address : undefined, taken: taken + 1 };
    return RECIPIENT_TAKEN;
  }

  async message(message: ReceivedMessage): Promise<Reply> {
    const { events, hostname, kicker, spool } = this.#options;
    const envelope = this.#envelope;
    if (envelope === undefined) throw new Error('DATA without MAIL');
    const { id } = envelope;
    const answer = reply(250, '2.0.0', `queued as ${id}`);
    const began = performance.now();
    const hop = { peer: this.#peer, helo: this.#helo, extended: this.#extended, hostname };
    const drafted = draftOf(message, envelope, hop, new Date());
    if ('code' in drafted) {
      events.messageRefused(id, envelope.from, this.#peer, drafted);
      return drafted;
    }
    // What was there at RCPT is never stored now, though it may have been swept since: it would be for a part of them.
    let stored = !envelope.recorded;
    try {
      if (stored && envelope.named) stored = await spool.acceptOnce(drafted.draft);
      else if (stored) await spool.accept(drafted.draft);
    } catch (error) {
      events.notKept(id, this.#peer, error, NOT_KEPT);
      return NOT_KEPT;
    }
    // Committed, now or before: the message is ours.
    for (const destination of envelope.recipients.destinations()) kicker.kick(destination);
    this.journeyId = id;
    if (stored) events.accepted(drafted, this.#peer, this.#helo, performance.now() - began, answer);
    else events.repeated(id, this.#peer);
    return answer;
  }

  reset(): void {
    this.#envelope = undefined;
  }

  /** A refusal, unless the message is ours since an earlier time whose answer was lost: then that one counts. */
  async #refused(envelope: Envelope, address: string, answer: Reply): Promise<Reply> {
    if (envelope.named && (await this.#options.spool.has(envelope.id))) {
      this.#envelope = {
        ...envelope,
        recorded: true,
        onlyRecipient: undefined,
        taken: envelope.taken + 1,
      };
      return RECORDED;
    }
    this.#options.events.recipientRefused(envelope.id, address, this.#peer, answer);
    return answer;
  }
}

function isSender(peer: Peer): boolean {
  return peer.tls !== undefined && peer.agent !== undefined && SENDERS.has(peer.agent);
}
