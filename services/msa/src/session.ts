/** One conversation with a writer: policy of msa, phase by phase. Custody begins with the spool's commit. */
import type { Account, Auth, Sasl, SaslMechanism, Spending } from '@waybill/auth-client';
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
import type {
  Peer,
  ReceivedMessage,
  SaslStepAnswer,
  SaslStepRequest,
  SmtpSession,
} from '@waybill/smtp/server';
import { newSpoolId, RecipientList } from '@waybill/spool';
import type { Events } from './events.ts';
import { draftOf, type Envelope, readHeader } from './phases/data.ts';
import { limitReply } from './phases/limits.ts';
import { sendersOf } from './phases/senders.ts';

export interface MsaSessionOptions {
  readonly hostname: string;
  readonly auth: Auth & Sasl & Spending;
  /** Offered under TLS, in the order told. */
  readonly mechanisms: readonly SaslMechanism[];
  readonly custody: Custody;
  readonly events: Events;
}

/** Deliveries of one message after aliases were expanded. */
const MAX_DELIVERIES = 5000;
const WELCOME = reply(235, '2.7.0', 'Authentication successful');
const WRONG = reply(535, '5.7.8', 'Wrong name or password');
const NOT_SASL = reply(501, '5.5.2', 'Not base64, or not what this mechanism sends');
const AUTH_AWAY = reply(454, '4.7.0', 'Authentication does not answer, try again later');
const SENDER_TAKEN = reply(250, '2.1.0', 'Sender taken');
const NOT_YOUR_SENDER = reply(553, '5.7.1', 'This sender address is not yours');
const NOT_YOUR_FROM = reply(550, '5.7.1', 'An address in From, Sender or Resent-From is not yours');
const NOT_KEPT = reply(451, '4.3.0', 'The message could not be kept, try again later');
const NO_ANSWER = reply(451, '4.4.2', 'The next host did not answer, try again later');

export class MsaSession implements SmtpSession {
  /** Of the last message that was accepted here. */
  journeyId: string | undefined;
  readonly #options: MsaSessionOptions;
  #peer: Peer;
  #helo = '';
  #account: Account | undefined;
  #envelope: Envelope | undefined;

  constructor(options: MsaSessionOptions, peer: Peer) {
    this.#options = options;
    this.#peer = peer;
  }

  get mechanisms(): readonly string[] {
    return this.#options.mechanisms;
  }

  hello(name: string, peer: Peer): undefined {
    this.#helo = name;
    this.#peer = peer;
  }

  async authenticate(username: string, password: string, mechanism: 'PLAIN' | 'LOGIN'): Promise<Reply> {
    const { auth, events } = this.#options;
    this.#account = undefined;
    const answer =
      username === ''
        ? ({ status: 'denied' } as const)
        : await auth.authenticate({ username, password, client: this.#peer.address, protocol: 'smtp' });
    if (answer.status === 'ok') return this.#welcome(answer.account, mechanism);
    const refusal = answer.status === 'denied' ? WRONG : AUTH_AWAY;
    events.notAuthenticated(username, mechanism, this.#peer, refusal);
    return refusal;
  }

  /** Carries octets between the client and auth, which conducts the mechanism. */
  async sasl({ mechanism: name, response, state }: SaslStepRequest): Promise<SaslStepAnswer> {
    const { auth, events, mechanisms } = this.#options;
    this.#account = undefined;
    const mechanism = mechanisms.find((offered) => offered === name);
    if (mechanism === undefined) throw new Error(`${name} is not offered`);
    const answer = await auth.sasl({
      mechanism,
      ...(response === undefined ? {} : { response }),
      ...(state === undefined ? {} : { state }),
      client: this.#peer.address,
      protocol: 'smtp',
    });
    if (answer.status === 'challenge') return { challenge: answer.challenge, state: answer.state };
    if (answer.status === 'ok') return this.#welcome(answer.account, mechanism);
    if (answer.status === 'malformed') return NOT_SASL;
    const refusal = answer.status === 'denied' ? WRONG : AUTH_AWAY;
    events.notAuthenticated('', mechanism, this.#peer, refusal);
    return refusal;
  }

  #welcome(account: Account, mechanism: string): Reply {
    this.#account = account;
    this.#options.events.authenticated(account.address, mechanism, this.#peer, WELCOME);
    return WELCOME;
  }

  async mail(from: Mailbox | undefined, parameters: MailParameters, peer: Peer): Promise<Reply> {
    this.#peer = peer;
    const id = newSpoolId();
    // The null sender is for notices (RFC 8098 §2.1); their From is asked about like any other.
    if (from !== undefined) {
      const refused = await this.#mustOwn([formatAddress(from)], NOT_YOUR_SENDER);
      if (refused !== undefined) {
        this.#options.events.messageRefused(id, from, peer, refused);
        return refused;
      }
    }
    this.#envelope = {
      id,
      from,
      parameters,
      recipients: new RecipientList(),
      asked: 0,
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
      ? deliveriesFor(resolution, wish, routes, 'msa')
      : handedRecipient(resolution, wish, 'msa');
    if ('code' in deliveries) return this.#refused(address, deliveries);
    const { recipients } = envelope;
    if (recipients.size + deliveries.length > MAX_DELIVERIES) return this.#refused(address, TOO_MANY_TARGETS);
    const first = recipients.size === 0;
    for (const delivery of deliveries) recipients.add(delivery);
    this.#envelope = { ...envelope, asked: envelope.asked + 1, onlyRecipient: first ? address : undefined };
    return RECIPIENT_TAKEN;
  }

  /** Counted before 354 is said: a message that may not go is not sent here first. */
  async data(): Promise<Reply | undefined> {
    const { auth, events } = this.#options;
    const envelope = this.#envelope;
    const account = this.#account;
    if (envelope === undefined || account === undefined) throw new Error('DATA without MAIL or AUTH');
    const { accountId } = account;
    const spent = await auth.spend({ accountId, recipients: envelope.asked });
    if (spent.status === 'ok') return undefined;
    const answer = limitReply(spent);
    if (spent.status === 'try-later') events.messageRefused(envelope.id, envelope.from, this.#peer, answer);
    else events.limited(envelope.id, account.address, spent, this.#peer, answer);
    return answer;
  }

  async message(message: ReceivedMessage): Promise<Reply> {
    const { events, hostname, custody } = this.#options;
    const envelope = this.#envelope;
    const account = this.#account;
    if (envelope === undefined || account === undefined) throw new Error('DATA without MAIL or AUTH');
    const began = performance.now();
    const refuse = (answer: Reply): Reply => {
      events.messageRefused(envelope.id, envelope.from, this.#peer, answer);
      return answer;
    };
    const read = readHeader(message);
    if ('code' in read) return refuse(read);
    const senders = sendersOf(read.octets, read.fields);
    if ('code' in senders) return refuse(senders);
    const foreign = await this.#mustOwn(senders.addresses, NOT_YOUR_FROM);
    if (foreign !== undefined) return refuse(foreign);
    const { accountId, address } = account;
    const hop = { peer: this.#peer, helo: this.#helo, hostname, accountId, account: address };
    const drafted = draftOf(read, senders, envelope, hop, new Date());
    if ('code' in drafted) return refuse(drafted);
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
    events.accepted(drafted, account.address, this.#peer, performance.now() - began, answer, kept);
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

  /** A refusal unless all the addresses are the account's. */
  async #mustOwn(addresses: readonly string[], otherwise: Reply): Promise<Reply | undefined> {
    const account = this.#account;
    if (account === undefined) throw new Error('mail without AUTH');
    const allowed = await this.#options.auth.maySend(account.accountId, addresses);
    if (!Array.isArray(allowed)) return DIRECTORY_AWAY;
    return allowed.length === addresses.length && allowed.every((one) => one === true)
      ? undefined
      : otherwise;
  }

  #refused(address: string, answer: Reply): Reply {
    this.#options.events.recipientRefused(this.#envelope?.id, address, this.#peer, answer);
    return answer;
  }
}
