/** One conversation with a stranger: policy of mx, phase by phase. Custody begins with the spool's commit. */
import { type Auth } from '@waybill/auth-client';
import {
  type Custody,
  deliveriesFor,
  DIRECTORY_AWAY,
  handedRecipient,
  type Kept,
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
import type { Handed } from '@waybill/smtp/client';
import type { Peer, ReceivedMessage, SmtpSession } from '@waybill/smtp/server';
import { newSpoolId, RecipientList } from '@waybill/spool';
import type { Events } from './events.ts';
import { draftOf, type Envelope } from './phases/data.ts';

export interface MxSessionOptions {
  readonly hostname: string;
  readonly auth: Auth;
  readonly custody: Custody;
  readonly events: Events;
}

/** Deliveries of one message after aliases were expanded. */
const MAX_DELIVERIES = 5000;
const SENDER_TAKEN = reply(250, '2.1.0', 'Sender taken');
const NOT_KEPT = reply(451, '4.3.0', 'The message could not be kept, try again later');
const NO_ANSWER = reply(451, '4.4.2', 'The next host did not answer, try again later');

export class MxSession implements SmtpSession {
  /** Of the last message that was accepted here. */
  journeyId: string | undefined;
  readonly #options: MxSessionOptions;
  #peer: Peer;
  #helo = '';
  #extended = false;
  #envelope: Envelope | undefined;

  constructor(options: MxSessionOptions, peer: Peer) {
    this.#options = options;
    this.#peer = peer;
  }

  hello(name: string, peer: Peer, extended: boolean): undefined {
    this.#helo = name;
    this.#peer = peer;
    this.#extended = extended;
  }

  mail(from: Mailbox | undefined, parameters: MailParameters, peer: Peer): Reply {
    this.#peer = peer;
    this.#envelope = {
      id: newSpoolId(),
      from,
      parameters,
      recipients: new RecipientList(),
      onlyRecipient: undefined,
    };
    return SENDER_TAKEN;
  }

  async rcpt(to: Mailbox, parameters: RcptParameters): Promise<Reply> {
    const envelope = this.#envelope;
    if (envelope === undefined) throw new Error('RCPT without MAIL');
    const address = formatAddress(to);
    const resolution = await this.#options.auth.resolveOne(address);
    const { resolves } = this.#options.custody;
    const routes =
      resolves && resolution.status === 'alias' ? await routesOf(resolution, this.#options.auth) : NO_ROUTES;
    if (routes === undefined) return this.#refused(address, DIRECTORY_AWAY);
    const wish = { address, notify: notifyBits(parameters.notify), orcpt: parameters.orcpt };
    const deliveries = resolves
      ? deliveriesFor(resolution, wish, routes, 'mx')
      : handedRecipient(resolution, wish, 'mx');
    if ('code' in deliveries) return this.#refused(address, deliveries);
    const { recipients } = envelope;
    if (recipients.size + deliveries.length > MAX_DELIVERIES) return this.#refused(address, TOO_MANY_TARGETS);
    const first = recipients.size === 0;
    for (const delivery of deliveries) recipients.add(delivery);
    this.#envelope = { ...envelope, onlyRecipient: first ? address : undefined };
    return RECIPIENT_TAKEN;
  }

  async message(message: ReceivedMessage): Promise<Reply> {
    const { events, hostname, custody } = this.#options;
    const envelope = this.#envelope;
    if (envelope === undefined) throw new Error('DATA without MAIL');
    const began = performance.now();
    const hop = { peer: this.#peer, helo: this.#helo, extended: this.#extended, hostname };
    const drafted = draftOf(message, envelope, hop, new Date());
    if ('code' in drafted) {
      events.messageRefused(envelope.id, envelope.from, this.#peer, drafted);
      return drafted;
    }
    let kept: Kept;
    try {
      kept = await custody.keep(drafted.draft);
    } catch (error) {
      events.notKept(envelope.id, this.#peer, error, NOT_KEPT);
      return NOT_KEPT;
    }
    if (kept.kind === 'refused' || kept.kind === 'unknown') return this.#notTaken(envelope, kept);
    // Committed: from here on the message is ours, or the next machine's.
    this.journeyId = envelope.id;
    const answer = reply(250, '2.0.0', `queued as ${envelope.id}`);
    events.accepted(drafted, this.#peer, this.#helo, performance.now() - began, answer, kept);
    return answer;
  }

  /** The next machine did not take it: refused for good, or to be tried again. */
  #notTaken({ id, from }: Envelope, kept: Exclude<Handed, { kind: 'taken' }>): Reply {
    const { events } = this.#options;
    if (kept.kind === 'refused' && kept.reply.code >= 500) {
      events.messageRefused(id, from, this.#peer, kept.reply);
      return kept.reply;
    }
    const answer = kept.kind === 'refused' ? kept.reply : NO_ANSWER;
    events.notKept(id, this.#peer, new Error(kept.kind === 'refused' ? kept.said : kept.cause), answer);
    return answer;
  }

  reset(): void {
    this.#envelope = undefined;
  }

  #refused(address: string, answer: Reply): Reply {
    this.#options.events.recipientRefused(this.#envelope?.id, address, this.#peer, answer);
    return answer;
  }
}
