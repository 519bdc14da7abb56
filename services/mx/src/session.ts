/** One conversation with a stranger: policy of mx, phase by phase. Custody begins with the spool's commit. */
import type { Auth } from '@waybill/auth-client';
import { type Custody, type Kept, RECIPIENT_TAKEN } from '@waybill/custody';
import {
  formatAddress,
  type Mailbox,
  type MailParameters,
  type RcptParameters,
  type Reply,
  reply,
} from '@waybill/smtp';
import type { Handed } from '@waybill/smtp/client';
import type { Peer, ReceivedMessage, SmtpSession } from '@waybill/smtp/server';
import { newSpoolId } from '@waybill/spool';
import type { About, Events } from './events.ts';
import type { Gate } from './gate/gate.ts';
import { tryToRelay } from './gate/relay-self-test.ts';
import { concludeFacts } from './phases/conclude.ts';
import { type ClientInquiry, inquireClient } from './phases/connect.ts';
import { draftOf, readLetter } from './phases/data.ts';
import type { Facts } from './phases/facts.ts';
import { type HelloInquiry, inquireHello } from './phases/hello.ts';
import { type Envelope, openEnvelope, SENDER_TAKEN, senderOf, tooMuch } from './phases/mail.ts';
import { addRecipient, decideRecipient } from './phases/rcpt.ts';
import { listed, verdict } from './phases/verdict.ts';
import type { Written } from './results.ts';

export interface MxSessionOptions {
  readonly hostname: string;
  readonly auth: Pick<Auth, 'resolveOne' | 'route'>;
  readonly custody: Custody;
  readonly gate: Gate;
  /** How results are written into a message. */
  readonly written: Written;
  readonly events: Events;
}

const NOT_KEPT = reply(451, '4.3.0', 'The message could not be kept, try again later');
const NO_ANSWER = reply(451, '4.4.2', 'The next host did not answer, try again later');

export class MxSession implements SmtpSession {
  /** Of the last message that was accepted or refused here. */
  journeyId: string | undefined;
  readonly #options: MxSessionOptions;
  readonly #client: ClientInquiry;
  #peer: Peer;
  #hello: HelloInquiry | undefined;
  #extended = false;
  #envelope: Envelope | undefined;

  constructor(options: MxSessionOptions, peer: Peer) {
    this.#options = options;
    this.#peer = peer;
    this.#client = inquireClient(options.gate, peer.address);
  }

  hello(name: string, peer: Peer, extended: boolean): undefined {
    const { gate } = this.#options;
    this.#peer = peer;
    this.#extended = extended;
    // A second EHLO, behind STARTTLS, is no second connection.
    if (this.#hello?.helo === name) return;
    if (this.#hello === undefined) {
      const change = gate.lost.observe(peer.address, name);
      if (change !== undefined) this.#addressChanged(change);
    }
    this.#hello = inquireHello(gate, peer.address, name);
  }

  mail(from: Mailbox | undefined, parameters: MailParameters, peer: Peer): Reply {
    const { gate } = this.#options;
    this.#peer = peer;
    this.#hello ??= inquireHello(gate, peer.address, '');
    const over = tooMuch(gate, peer.address);
    if (over !== undefined) {
      const refused = { id: newSpoolId(), sender: senderOf(from), named: [] };
      return this.#messageRefused(refused, withId(over, refused.id));
    }
    this.#envelope = openEnvelope(gate, this.#hello, from, parameters);
    return SENDER_TAKEN;
  }

  async rcpt(to: Mailbox, parameters: RcptParameters): Promise<Reply> {
    const envelope = this.#envelope;
    if (envelope === undefined) throw new Error('RCPT without MAIL');
    const { events, gate } = this.#options;
    const address = formatAddress(to);
    const decided = await decideRecipient(this.#options, address, parameters);
    const refusal = 'code' in decided ? decided : addRecipient(envelope, address, decided, gate.policy);
    if (refusal === undefined) {
      this.#inquire(envelope);
      return RECIPIENT_TAKEN;
    }
    events.recipientRefused(envelope, address, this.#peer, refusal);
    return refusal;
  }

  /** Asks DNS while the client goes on. Only for mail that somebody here may get: whoever just talks costs no question. */
  #inquire(envelope: Envelope): void {
    void this.#client.iprev();
    void this.#client.lists();
    void envelope.hello.spf();
    void envelope.spf();
  }

  /** What is known of the client already may spare both sides the message. */
  data(): Reply | undefined {
    const envelope = this.#envelope;
    const lists = this.#client.listed();
    if (envelope === undefined || lists === undefined) return undefined;
    const found = listed({ address: envelope.hello.client.address, lists });
    if (found === undefined) return undefined;
    const answer = withId(found.reply, envelope.id);
    this.journeyId = envelope.id;
    this.#options.events.listed(envelope, this.#peer, lists, found, answer);
    return answer;
  }

  async message(message: ReceivedMessage): Promise<Reply> {
    const { events, gate, written } = this.#options;
    const envelope = this.#envelope;
    if (envelope === undefined) throw new Error('DATA without MAIL');
    const began = performance.now();
    const letter = readLetter(message);
    if ('code' in letter) return this.#messageRefused(envelope, letter);
    const { checks, patienceMs } = gate;
    const facts = await concludeFacts(
      checks,
      this.#client,
      envelope,
      message.chunks,
      letter.from,
      patienceMs,
    );
    const found = verdict(facts, envelope.policy ?? gate.policy);
    const refusal = 'reply' in found ? withId(found.reply, envelope.id) : undefined;
    events.judged(envelope, letter.messageId, this.#peer, facts, found);
    if (refusal !== undefined) return this.#messageRefused(envelope, refusal);
    const hop = {
      peer: this.#peer,
      helo: envelope.hello.helo,
      extended: this.#extended,
      hostname: this.#options.hostname,
      reverseName: facts.iprev.result === 'pass' ? facts.iprev.name : undefined,
    };
    const marks = {
      results: written.results(facts, envelope),
      junk: found.action === 'junk' ? found.reason : undefined,
      isOurs: (value: string) => written.isOurs(value),
    };
    const drafted = draftOf(letter, envelope, hop, marks, new Date());
    return this.#keep(envelope, drafted, began, facts);
  }

  async #keep(
    envelope: Envelope,
    drafted: ReturnType<typeof draftOf>,
    began: number,
    facts: Facts,
  ): Promise<Reply> {
    const { events, custody } = this.#options;
    let kept: Kept;
    try {
      kept = await custody.keep(drafted.draft);
    } catch (error) {
      events.notKept(envelope, this.#peer, error, NOT_KEPT);
      return NOT_KEPT;
    }
    if (kept.kind === 'refused' || kept.kind === 'unknown') return this.#notTaken(envelope, kept);
    // Committed: from here on the message is ours, or the next machine's.
    this.journeyId = envelope.id;
    const answer = reply(250, '2.0.0', `queued as ${envelope.id}`);
    events.accepted(drafted, this.#peer, envelope.hello.helo, performance.now() - began, answer, kept, facts);
    return answer;
  }

  /** The next machine did not take it: refused for good, or to be tried again. */
  #notTaken(envelope: Envelope, kept: Exclude<Handed, { kind: 'taken' }>): Reply {
    if (kept.kind === 'refused' && kept.reply.code >= 500) return this.#messageRefused(envelope, kept.reply);
    const answer = kept.kind === 'refused' ? kept.reply : NO_ANSWER;
    const cause = new Error(kept.kind === 'refused' ? kept.said : kept.cause);
    this.#options.events.notKept(envelope, this.#peer, cause, answer);
    return answer;
  }

  /** Who cannot tell strangers apart shows at once that it relays for none of them. */
  #addressChanged(change: 'lost' | 'found'): void {
    const { events } = this.#options;
    events.clientAddress(change, this.#peer.address);
    if (change === 'lost')
      tryToRelay(this.#options, this.#peer.address).then(
        (outcome) => events.selfTest(outcome),
        (error: unknown) => events.sessionError(error, this.#peer.sessionId),
      );
  }

  #messageRefused(envelope: About, answer: Reply): Reply {
    this.journeyId = envelope.id;
    this.#options.events.messageRefused(envelope, this.#peer, answer);
    return answer;
  }

  reset(): void {
    this.#envelope = undefined;
  }
}

/** A refusal that names the journey in which it stands with its reasons. */
function withId({ code, enhanced, lines }: Reply, id: string): Reply {
  return reply(code, enhanced, `${(lines[0] ?? '').slice(0, 340)} (id ${id})`);
}
