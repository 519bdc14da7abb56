import { setTimeout as pause } from 'node:timers/promises';
import { notifyOf } from '../envelope.ts';
import { type Reply, reply } from '../reply.ts';
import type { Transaction } from './commands.ts';
import { LmtpPool, type PoolAnswer } from './lmtp-pool.ts';
import { HOP_TIMEOUTS, hopAddresses, hopSecurity, type NextHop } from './next-hop.ts';
import type { Timeouts, TlsCredentials } from './open.ts';
import { type RecipientOutcome, refusesUs } from './outcome.ts';
import { settle } from './settle.ts';

/**
 * The hand-off: a message goes to the next machine's SMTP door before anybody is told 250. It goes to all of its
 * recipients in one transaction or to none, and under one id however often it has to be said.
 */

/** A message that is handed on; what an agent drafts for the spool has this shape. */
export interface HandedMessage {
  /** UUID: the journey id, and the next one's spool id. */
  readonly id: string;
  /** '' is the null sender. */
  readonly returnPath: string;
  /** `notify` as of notifyBits(). */
  readonly recipients: readonly {
    readonly address: string;
    readonly orcpt?: string;
    readonly notify: number;
  }[];
  readonly message: Buffer;
  readonly envid?: string;
  readonly ret?: 'FULL' | 'HDRS';
  readonly smtputf8: boolean;
}

export interface HopPeer {
  readonly host: string;
  readonly address: string;
  readonly tls: string | undefined;
  readonly sessionId: string;
}

export type Handed =
  /** The next one has committed it, and said so. */
  | { readonly kind: 'taken'; readonly reply: Reply; readonly peer: HopPeer }
  /** Nobody has it. `reply` is what our own client hears; `said` what the next one said, when it did. */
  | { readonly kind: 'refused'; readonly reply: Reply; readonly said: string }
  /** The next one may have it, and could not be asked again. */
  | { readonly kind: 'unknown'; readonly cause: string };

export interface HandoffOptions {
  readonly hop: NextHop;
  readonly helloName: string;
  /** Our certificate and the authority of the next one's. */
  readonly credentials: TlsCredentials | undefined;
  /** To each address; 20 when not given. */
  readonly connections?: number;
  /** How long one of ours is asked again whose answer to the final dot was lost, ms; 30,000 when not given. */
  readonly settleMs?: number;
  readonly timeouts?: Partial<Timeouts>;
}

/** A replica that is going says so, or is gone: the next tries, after so many ms, find another one. */
const LEAVING = [0, 250];
/** A next machine that is not there at all is not waited for, ms. */
const PATIENCE = 2000;

export class Handoff {
  readonly #options: HandoffOptions;
  #pool: LmtpPool;

  /** @throws RangeError for an address that is none */
  constructor(options: HandoffOptions) {
    this.#options = options;
    this.#pool = this.#openPool(options.credentials);
  }

  /** Open connections, for metrics. */
  get connections(): number {
    return this.#pool.connections;
  }

  /**
   * Resolves when the next one has answered for all recipients, or nobody could be asked. Never rejects. Where the
   * connection broke behind the final dot, one of our own agents is asked again with the same id, which it
   * takes once; another's server never is.
   */
  async hand(message: HandedMessage): Promise<Handed> {
    const t = transactionOf(message);
    const began = performance.now();
    let first = await this.#pool.send(t);
    for (const ms of LEAVING) {
      if (!isLeaving(first) || performance.now() - began > PATIENCE) break;
      await pause(ms);
      first = await this.#pool.send(t);
    }
    const decided = decide(message, first);
    const ours = this.#options.hop.kind === 'agent' && first.peer?.capabilities.waybill === true;
    if (decided.kind !== 'unknown' || !ours) return decided;
    const ask = async (): Promise<Handed> => decide(message, await this.#pool.send(t));
    return (await settle(ask, tellsOfTheFirst, this.#options.settleMs)) ?? decided;
  }

  /** New certificates: new connections use them, old ones finish. */
  renew(credentials: TlsCredentials): void {
    const old = this.#pool;
    this.#pool = this.#openPool(credentials);
    old.close();
  }

  /** Finishes what is in hand. */
  close(): void {
    this.#pool.close();
  }

  #openPool(credentials: TlsCredentials | undefined): LmtpPool {
    const { hop, helloName, timeouts, connections } = this.#options;
    return new LmtpPool({
      addresses: hopAddresses(hop),
      ...(connections === undefined ? {} : { connectionsPerAddress: connections }),
      cutGone: hop.kind === 'agent',
      open: {
        protocol: 'smtp',
        helloName,
        timeouts: { ...HOP_TIMEOUTS, ...timeouts },
        ...hopSecurity(hop, credentials),
      },
    });
  }
}

function transactionOf(message: HandedMessage): Transaction {
  const { envid, ret, smtputf8 } = message;
  return {
    from: message.returnPath,
    parameters: {
      journeyId: message.id,
      smtputf8,
      ...(ret === undefined ? {} : { ret }),
      ...(envid === undefined ? {} : { envid }),
    },
    recipients: message.recipients.map(({ address, orcpt, notify: bits }) => {
      const notify = notifyOf(bits);
      return {
        address,
        parameters: {
          ...(orcpt === undefined ? {} : { orcpt }),
          ...(notify === undefined ? {} : { notify }),
        },
      };
    }),
    body: message.message,
    allOrNothing: true,
  };
}

/** What the outcomes of one transaction come to. Pure. */
export function decide(
  message: { readonly recipients: readonly { readonly address: string }[] },
  answer: PoolAnswer,
): Handed {
  const { outcomes, peer } = answer;
  const last = outcomes[0];
  if (
    peer !== undefined &&
    last?.kind === 'replied' &&
    outcomes.every((one) => one.kind === 'replied' && one.phase === 'message' && isPositive(one.reply))
  ) {
    const { name, host, tls, sessionId } = peer;
    return { kind: 'taken', reply: last.reply, peer: { host: name, address: host, tls, sessionId } };
  }
  const unknown = outcomes.find((one) => one.kind === 'lost' && one.unknown);
  if (unknown?.kind === 'lost') return { kind: 'unknown', cause: unknown.cause };
  const worst = worstOf(outcomes);
  return worst === -1
    ? refused(451, '4.4.0', 'The next host gave no answer', '')
    : refusalOf(outcomes[worst] as RecipientOutcome, message.recipients, worst);
}

/** A refusal of a repeat says nothing of the first time, unless it is about the message. */
export function tellsOfTheFirst(again: Handed): boolean {
  return again.kind === 'taken' || (again.kind === 'refused' && again.reply.code >= 500);
}

/** Whether it is the connection that ended, by 421 or without a word, and surely before anything was taken. */
function isLeaving({ outcomes }: PoolAnswer): boolean {
  return (
    outcomes.some((one) => one.kind !== 'fenced') &&
    outcomes.every(
      (one) =>
        one.kind === 'fenced' ||
        (one.kind === 'lost' && !one.unknown) ||
        (one.kind === 'replied' && one.reply.code === 421),
    )
  );
}

/** Try later outweighs never: with a recipient that may still be taken the whole message may. */
function worstOf(outcomes: readonly RecipientOutcome[]): number {
  const later = outcomes.findIndex((one) => one.kind !== 'fenced' && !isForGood(one));
  return later === -1 ? outcomes.findIndex((one) => one.kind !== 'fenced') : later;
}

/** Whether it is about the message, and final: anything else passes. */
function isForGood(outcome: RecipientOutcome): boolean {
  if (outcome.kind === 'unsuitable') return outcome.reply.code >= 500;
  if (outcome.kind !== 'replied' || outcome.reply.code < 500 || refusesUs(outcome)) return false;
  const { phase, reply: said } = outcome;
  // RFC 5321 §4.5.3.1.10: 552 to RCPT may mean "too many recipients".
  if (phase === 'rcpt' && said.code === 552 && (said.enhanced === '' || said.enhanced === '5.5.3'))
    return false;
  return phase === 'mail' || phase === 'rcpt' || phase === 'data' || phase === 'message';
}

function refusalOf(
  outcome: RecipientOutcome,
  recipients: readonly { readonly address: string }[],
  which: number,
): Handed & { readonly kind: 'refused' } {
  if (outcome.kind === 'lost')
    return refused(451, '4.4.1', 'The next host cannot be reached, try again later', outcome.cause);
  if (outcome.kind === 'fenced') throw new Error('a withheld recipient is nobody’s refusal');
  const { code, enhanced, lines } = outcome.reply;
  const said = `${code} ${enhanced} ${lines.join(' ')}`;
  if (!isForGood(outcome))
    return code >= 500
      ? refused(451, '4.3.0', 'The next host takes no mail from here at the moment, try again later', said)
      : refused(451, enhanced === '' ? '4.3.0' : enhanced, `The next host says: ${lines.join(' ')}`, said);
  const whom =
    outcome.kind === 'replied' && outcome.phase === 'rcpt' && recipients.length > 1
      ? `Sent to nobody, for <${recipients[which]?.address ?? ''}> was refused: `
      : '';
  return refused(code, enhanced === '' ? '5.0.0' : enhanced, `${whom}${lines.join(' ')}`, said);
}

function refused(
  code: number,
  enhanced: string,
  text: string,
  said: string,
): Handed & { readonly kind: 'refused' } {
  return { kind: 'refused', reply: reply(code, enhanced, text), said };
}

function isPositive({ code }: Reply): boolean {
  return code >= 200 && code < 300;
}
