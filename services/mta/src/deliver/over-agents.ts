import {
  HOP_TIMEOUTS,
  hopAddresses,
  hopSecurity,
  LmtpPool,
  type NextHop,
  type RecipientOutcome,
  refusesUs,
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

  async hand(t: Transaction, { hop }: AgentRelay): Promise<Conversation> {
    let pool = this.#pools.get(hop);
    if (pool === undefined) {
      pool = this.#open(hop);
      this.#pools.set(hop, pool);
    }
    const { outcomes, peer } = said(await pool.send(named(t)));
    return { outcomes: outcomes.map(aboutTheHop), peer };
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
function named(t: Transaction): Transaction {
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
