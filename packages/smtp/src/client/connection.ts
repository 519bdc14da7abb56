import type { Reply } from '../reply.ts';
import type { Capabilities } from './capabilities.ts';
import { mailCommand, octetsOf, rcptCommand, type Transaction, unsuitable } from './commands.ts';
import { stuff } from './dot-stuffing.ts';
import { openConnection, type OpenOptions, type OpenResult, type Timeouts } from './open.ts';
import type { Phase, RecipientOutcome } from './outcome.ts';
import type { Wire } from './wire.ts';

interface Facts {
  readonly host: string;
  readonly port: number;
  readonly name: string;
  readonly lmtp: boolean;
  readonly timeouts: Timeouts;
  readonly capabilities: Capabilities;
  readonly tls: string | undefined;
  readonly sessionId: string;
}

/** A transaction on its way. `outcomes[i]` is filled as recipient i is decided. */
interface Underway {
  readonly t: Transaction;
  readonly outcomes: (RecipientOutcome | undefined)[];
  readonly accepted: number[];
  phase: Phase;
  dotSent: boolean;
  fenced: boolean;
  mail: Reply | undefined;
  /** 421 said in the middle: it answers for everybody not yet answered. */
  goodbye: Reply | undefined;
  readonly resolve: (outcomes: RecipientOutcome[]) => void;
}

/**
 * An SMTP or LMTP conversation that carries many messages. send() may be called at any time: with
 * PIPELINING (RFC 2920) MAIL, all RCPTs and DATA leave in one write, and those of the next message
 * leave right behind the final dot, so the peer never waits for us.
 */
export class SmtpConnection {
  readonly host: string;
  readonly port: number;
  readonly name: string;
  readonly sessionId: string;
  readonly capabilities: Capabilities;
  /** `TLSv1.3`, undefined in clear. */
  readonly tls: string | undefined;
  readonly openedAt = performance.now();
  /** Messages that were handed to this connection. */
  sent = 0;
  /** Called when the last message in hand was answered. */
  onIdle: () => void = () => undefined;

  readonly #wire: Wire;
  readonly #lmtp: boolean;
  readonly #timeouts: Timeouts;
  readonly #queue: Underway[] = [];
  readonly #underway = new Set<Underway>();
  /** Whose commands or content are being said; the next one begins when it is through. */
  #speaker: Underway | undefined;
  #retiring = false;

  /** Opens a connection; what went wrong is a value. */
  static open(options: OpenOptions): Promise<OpenResult> {
    return openConnection(options);
  }

  constructor(wire: Wire, facts: Facts) {
    this.#wire = wire;
    this.host = facts.host;
    this.port = facts.port;
    this.name = facts.name;
    this.sessionId = facts.sessionId;
    this.capabilities = facts.capabilities;
    this.tls = facts.tls;
    this.#lmtp = facts.lmtp;
    this.#timeouts = facts.timeouts;
    wire.onLost = (cause) => this.#lost(cause);
    wire.onUnexpected = () => wire.drop('the peer said goodbye');
    if (wire.lost !== undefined) this.#lost(wire.lost);
  }

  /** Messages in hand: said, being said or waiting. */
  get load(): number {
    return this.#underway.size + this.#queue.length;
  }

  /** False once the connection is gone, said 421 or is being closed. */
  get usable(): boolean {
    return !this.#retiring && this.#wire.lost === undefined;
  }

  /** The session so far, where `transcript` was asked for; '' else. */
  get transcript(): string {
    return this.#wire.transcript?.text ?? '';
  }

  /** One outcome per recipient, in order. Never rejects. */
  send(t: Transaction): Promise<RecipientOutcome[]> {
    return new Promise((resolve) => {
      this.sent++;
      const underway: Underway = {
        t,
        outcomes: new Array<undefined>(t.recipients.length).fill(undefined),
        accepted: [],
        phase: 'queued',
        dotSent: false,
        fenced: false,
        mail: undefined,
        goodbye: undefined,
        resolve,
      };
      const refusal = unsuitable(t, this.capabilities);
      if (refusal !== undefined) {
        resolve(t.recipients.map(() => ({ kind: 'unsuitable', reply: refusal })));
        return;
      }
      if (!this.usable) {
        this.#settleLost(underway, this.#wire.lost ?? 'the connection is being closed');
        return;
      }
      this.#queue.push(underway);
      this.#next();
    });
  }

  /** Takes no more messages, finishes those in hand, says QUIT. */
  retire(): void {
    if (this.#retiring) return;
    this.#retiring = true;
    if (this.load === 0) this.#wire.goodbye('QUIT\r\n');
  }

  /** Ends at once; what is in hand is lost, unknown where the dot was out. */
  destroy(cause: string): void {
    this.#wire.drop(cause);
  }

  #next(): void {
    if (this.#speaker !== undefined) return;
    if (!this.capabilities.pipelining && this.#underway.size > 0) return;
    const u = this.#queue.shift();
    if (u === undefined) return;
    this.#speaker = u;
    this.#underway.add(u);
    if (this.capabilities.pipelining) this.#sayAll(u);
    else this.#sayMail(u);
  }

  /** RFC 2920 §3.1: DATA ends the group of commands. */
  #sayAll(u: Underway): void {
    const { t } = u;
    u.phase = 'mail';
    let lines = mailCommand(t, this.capabilities);
    this.#wire.expect('mail', this.#timeouts.mail, (reply) => this.#mailReplied(u, reply));
    for (let i = 0; i < t.recipients.length; i++) {
      lines += rcptCommand(t.recipients[i] as Transaction['recipients'][number], this.capabilities);
      this.#wire.expect('rcpt', this.#timeouts.rcpt, (reply) => this.#rcptReplied(u, i, reply));
    }
    if (t.allOrNothing === true && !this.#lmtp) {
      this.#wire.command(lines);
      return;
    }
    this.#wire.expect('data', this.#timeouts.data, (reply) => this.#dataReplied(u, reply));
    this.#wire.command(`${lines}DATA\r\n`);
  }

  #sayMail(u: Underway): void {
    u.phase = 'mail';
    this.#wire.expect('mail', this.#timeouts.mail, (reply) => {
      this.#mailReplied(u, reply);
      if (isPositive(reply)) this.#sayRcpt(u, 0);
      else this.#finishRefused(u);
    });
    this.#wire.command(mailCommand(u.t, this.capabilities));
  }

  #sayRcpt(u: Underway, i: number): void {
    const recipient = u.t.recipients[i];
    if (recipient === undefined) {
      this.#sayData(u);
      return;
    }
    this.#wire.expect('rcpt', this.#timeouts.rcpt, (reply) => {
      this.#rcptReplied(u, i, reply);
      if (u.goodbye === undefined) this.#sayRcpt(u, i + 1);
    });
    this.#wire.command(rcptCommand(recipient, this.capabilities));
  }

  /** DATA once every RCPT was answered. */
  #sayData(u: Underway): void {
    const { accepted, outcomes, t } = u;
    const withheld = t.allOrNothing === true && accepted.length < outcomes.length;
    if (withheld) for (const i of accepted.splice(0)) outcomes[i] = { kind: 'fenced' };
    if (accepted.length === 0) return this.#finishRefused(u);
    u.phase = 'data';
    this.#wire.expect('data', this.#timeouts.data, (reply) => this.#dataReplied(u, reply));
    this.#wire.command('DATA\r\n');
  }

  #mailReplied(u: Underway, reply: Reply): void {
    u.mail = reply;
    u.phase = 'rcpt';
    if (!isPositive(reply)) this.#answerOpen(u, 'mail', reply);
    this.#noteGoodbye(u, reply);
  }

  #rcptReplied(u: Underway, i: number, reply: Reply): void {
    const last = i === u.t.recipients.length - 1;
    if (u.outcomes[i] === undefined) {
      if (isPositive(reply)) u.accepted.push(i);
      else u.outcomes[i] = { kind: 'replied', phase: 'rcpt', reply };
      if (last) u.phase = 'data';
      this.#noteGoodbye(u, reply);
    }
    const waited = this.capabilities.pipelining && u.t.allOrNothing === true && !this.#lmtp;
    if (last && waited && u.goodbye === undefined) this.#sayData(u);
  }

  #dataReplied(u: Underway, reply: Reply): void {
    if (reply.code === 354 && u.accepted.length > 0) return this.#sayContent(u);
    if (reply.code === 354) {
      // RFC 2920 §3.1: DATA was accepted for nobody: an empty message ends it. LMTP must not do that (RFC 2033 §4.2).
      if (this.#lmtp) return this.#wire.drop('DATA was accepted without a recipient');
      this.#wire.expect('message', this.#timeouts.dot, () => this.#through(u));
      this.#wire.command('.\r\n');
      return;
    }
    // 2yz here makes no sense: as good as a temporary refusal.
    this.#answerOpen(u, 'data', isPositive(reply) ? { ...reply, code: 451 } : reply);
    this.#noteGoodbye(u, reply);
    this.#finishRefused(u);
  }

  /** After a refusal the peer may still hold MAIL and RCPTs: RSET before the next one. */
  #finishRefused(u: Underway): void {
    if (u.mail !== undefined && isPositive(u.mail) && u.goodbye === undefined) {
      this.#wire.expect('mail', this.#timeouts.mail, () => undefined);
      this.#wire.command('RSET\r\n');
    }
    this.#through(u);
  }

  #sayContent(u: Underway): void {
    u.phase = 'content';
    const { content: body, end } = stuff(u.t.body);
    const { front } = u.t;
    const content = front === undefined ? body : [...stuff(front).content, ...body];
    const octets = octetsOf(u.t);
    if (u.t.beforeDot === undefined || this.#lmtp) {
      this.#wire.cork();
      this.#wire.content(content, octets);
      this.#sayDot(u, end);
      this.#wire.uncork();
      return;
    }
    const { beforeDot } = u.t;
    this.#wire.content(content, octets, () => {
      if (this.#wire.lost !== undefined) return;
      beforeDot().then(
        (mayGo) => {
          if (this.#wire.lost !== undefined) return;
          if (mayGo) return this.#sayDot(u, end);
          u.fenced = true;
          this.#wire.drop('the lease was lost before the final dot');
        },
        (error: Error) => {
          u.fenced = true;
          this.#wire.drop(`the lease could not be checked: ${error.message}`);
        },
      );
    });
  }

  #sayDot(u: Underway, end: Buffer): void {
    this.#wire.raw(end);
    u.dotSent = true;
    u.phase = 'message';
    if (this.#lmtp)
      // RFC 2033 §4.2: one reply per accepted recipient, in the order of the RCPTs.
      for (const i of u.accepted)
        this.#wire.expect('message', this.#timeouts.dot, (reply) => {
          u.outcomes[i] = final(reply);
          if (i === u.accepted.at(-1)) this.#settle(u);
        });
    else
      this.#wire.expect('message', this.#timeouts.dot, (reply) => {
        for (const i of u.accepted) u.outcomes[i] = final(reply);
        this.#settle(u);
        if (reply.code === 421) this.#wire.drop('the peer said 421');
      });
    this.#speaker = undefined;
    this.#next();
  }

  #noteGoodbye(u: Underway, reply: Reply): void {
    if (reply.code !== 421) return;
    u.goodbye = reply;
    this.#retiring = true;
    this.#wire.drop('the peer said 421');
  }

  #answerOpen(u: Underway, phase: Phase, reply: Reply): void {
    for (let i = 0; i < u.outcomes.length; i++) u.outcomes[i] ??= { kind: 'replied', phase, reply };
    u.accepted.length = 0;
  }

  /** Nothing more will be said for this one. */
  #through(u: Underway): void {
    if (this.#speaker === u) this.#speaker = undefined;
    this.#settle(u);
    this.#next();
  }

  #settle(u: Underway): void {
    if (!this.#underway.delete(u)) return;
    u.resolve(u.outcomes as RecipientOutcome[]);
    if (this.#speaker === undefined) this.#next();
    if (this.load > 0) return;
    if (this.#retiring) this.#wire.goodbye('QUIT\r\n');
    this.onIdle();
  }

  #lost(cause: string): void {
    this.#speaker = undefined;
    const all = [...this.#underway, ...this.#queue.splice(0)];
    this.#underway.clear();
    for (const u of all) this.#settleLost(u, cause);
    this.onIdle();
  }

  #settleLost(u: Underway, cause: string): void {
    const outcomes = u.outcomes.map((outcome): RecipientOutcome => {
      if (outcome !== undefined) return outcome;
      if (u.fenced) return { kind: 'fenced' };
      if (u.goodbye !== undefined && !u.dotSent) return { kind: 'replied', phase: u.phase, reply: u.goodbye };
      return { kind: 'lost', phase: u.phase, unknown: u.dotSent, cause };
    });
    u.resolve(outcomes);
  }
}

/** Only 2yz after the dot is a delivery; 3yz makes no sense there and counts as temporary. */
function final(reply: Reply): RecipientOutcome {
  return { kind: 'replied', phase: 'message', reply };
}

function isPositive(reply: Reply): boolean {
  return reply.code >= 200 && reply.code < 300;
}
