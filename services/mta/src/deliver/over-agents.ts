import {
  decide,
  HOP_TIMEOUTS,
  hopAddresses,
  hopSecurity,
  LmtpPool,
  type NextHop,
  type PoolAnswer,
  type RecipientOutcome,
  refusesUs,
  settle,
  tellsOfTheFirst,
  type TlsCredentials,
  type Transaction,
} from '@waybill/smtp/client';
import { handOverId } from '@waybill/spool';
import type { AgentRelay } from '../route/relay.ts';
import { type Conversation, said } from './over-lmtp.ts';

export interface AgentSenderOptions {
  readonly helloName: string;
  readonly connections: number;
  /** Our certificate and the authorities of the others'; undefined speaks in clear (tests). */
  readonly credentials: (() => TlsCredentials) | undefined;
  /** How long it is asked again what became of a hand-over whose answer was lost, ms; 30,000 when not given. */
  readonly settleMs?: number;
}

/** Conversations with the inner door of another machine's mta: kept connections, each hand-over under a name of its own. */
export class AgentSender {
  readonly #options: AgentSenderOptions;
  #pools = new Map<NextHop, LmtpPool>();

  constructor(options: AgentSenderOptions) {
    this.#options = options;
  }

  /** Open connections, for metrics. */
  get connections(): number {
    let count = 0;
    for (const pool of this.#pools.values()) count += pool.connections;
    return count;
  }

  /**
   * One transaction for all whom the next one takes, or for none: a name stands for its recipients, so that whoever is
   * answered under it was stored under it. Those beside one that is refused go on without it, by their own name.
   */
  async hand(t: Transaction, { hop }: AgentRelay): Promise<Conversation> {
    const outcomes: RecipientOutcome[] = [];
    let open = [...t.recipients.keys()];
    for (;;) {
      const recipients = open.map((i) => t.recipients[i] as Transaction['recipients'][number]);
      // A single one costs no wait before DATA: when it is refused, nothing is there.
      const answer = await this.#settled({ ...t, recipients, allOrNothing: recipients.length > 1 }, hop);
      for (const [k, i] of open.entries()) outcomes[i] = answer.outcomes[k] as RecipientOutcome;
      const withheld = open.filter((i) => outcomes[i]?.kind === 'fenced');
      // All of them: it is our lease that is gone.
      if (withheld.length === 0 || withheld.length === open.length)
        return { ...said(answer), outcomes: outcomes.map(aboutTheHop) };
      open = withheld;
    }
  }

  /** Where the answer to the final dot is lost it is asked for again, while the lease is ours. */
  async #settled(t: Transaction, hop: NextHop): Promise<PoolAnswer> {
    const named = underItsName(t);
    const ask = (): Promise<PoolAnswer> => this.#pool(hop).send(named);
    const first = await ask();
    const ours = first.peer?.capabilities.waybill === true && named.parameters.journeyId !== undefined;
    if (!ours || !first.outcomes.some((one) => one.kind === 'lost' && one.unknown)) return first;
    const leaseIsGone = ({ outcomes }: PoolAnswer): boolean =>
      outcomes.every(({ kind }) => kind === 'fenced');
    const again = await settle(
      ask,
      (answer) => leaseIsGone(answer) || tellsOfTheFirst(decide(t, answer)),
      this.#options.settleMs,
    );
    return again === undefined || leaseIsGone(again) ? first : again;
  }

  /** New certificates: new connections use them, old ones finish. */
  renew(): void {
    const old = this.#pools;
    this.#pools = new Map();
    for (const pool of old.values()) pool.close();
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.close();
  }

  #pool(hop: NextHop): LmtpPool {
    let pool = this.#pools.get(hop);
    if (pool === undefined) {
      pool = this.#open(hop);
      this.#pools.set(hop, pool);
    }
    return pool;
  }

  #open(hop: NextHop): LmtpPool {
    const { helloName, connections, credentials } = this.#options;
    return new LmtpPool({
      addresses: hopAddresses(hop),
      connectionsPerAddress: connections,
      open: { protocol: 'smtp', helloName, timeouts: HOP_TIMEOUTS, ...hopSecurity(hop, credentials?.()) },
    });
  }
}

/** Says under which id the next one keeps these recipients' message. */
function underItsName(t: Transaction): Transaction {
  const deliveries: string[] = [];
  let journeyId: string | undefined;
  for (const { parameters } of t.recipients) {
    if (parameters?.deliveryId !== undefined) deliveries.push(parameters.deliveryId);
    journeyId ??= parameters?.journeyId;
  }
  if (journeyId === undefined || deliveries.length < t.recipients.length) return t;
  return { ...t, parameters: { ...t.parameters, journeyId: handOverId(journeyId, deliveries) } };
}

/** Who does not know our certificate (any more) refuses us, not the message: it waits. */
function aboutTheHop(outcome: RecipientOutcome): RecipientOutcome {
  return outcome.kind === 'replied' && refusesUs(outcome) ? { ...outcome, phase: 'hello' } : outcome;
}
