import { AddressList, LmtpPool, type TlsCredentials, type Transaction } from '@waybill/smtp/client';
import type { Conversation } from './over-smtp.ts';

export type { Conversation } from './over-smtp.ts';

export interface LmtpSenderOptions {
  readonly helloName: string;
  /** mda's addresses, as the setting writes them. */
  readonly mda: string;
  readonly connections: number;
  /** Our certificate and the authority; undefined speaks in clear (tests). */
  readonly credentials: (() => TlsCredentials) | undefined;
}

/**
 * An inner agent answers in seconds or hangs: then another replica is asked soon, and the one that may
 * have filed the message knows it again. ms
 */
const MDA_TIMEOUTS = {
  connect: 3000,
  greeting: 6000,
  hello: 6000,
  tls: 6000,
  mail: 20_000,
  // mda may wait for an auth that is away.
  rcpt: 40_000,
  data: 30_000,
  block: 30_000,
  dot: 30_000,
} as const;
/** The name in mda's certificate. */
const MDA_NAME = 'mda';
/** Foreign stores spoken to; when there are more the oldest pool is closed. */
const MAX_POOLS = 100;

/** Conversations with mda and with foreign stores that a domain is routed to. */
export class LmtpSender {
  readonly #options: LmtpSenderOptions;
  #mda: LmtpPool;
  readonly #foreign = new Map<string, LmtpPool>();

  constructor(options: LmtpSenderOptions) {
    this.#options = options;
    this.#mda = this.#openMda();
  }

  get connections(): number {
    return this.#mda.connections;
  }

  async toMda(t: Transaction): Promise<Conversation> {
    return said(await this.#mda.send(t));
  }

  /** @param place `host:port` */
  async toForeign(t: Transaction, place: string): Promise<Conversation> {
    let pool = this.#foreign.get(place);
    if (pool === undefined) {
      try {
        pool = new LmtpPool({
          addresses: new AddressList(place),
          connectionsPerAddress: this.#options.connections,
          // A foreign store may file a repeat a second time.
          cutGone: false,
          open: { protocol: 'lmtp', helloName: this.#options.helloName, tls: 'opportunistic' },
        });
      } catch (error) {
        const cause = (error as Error).message;
        return {
          outcomes: t.recipients.map(() => ({ kind: 'lost', phase: 'connect', unknown: false, cause })),
          peer: undefined,
        };
      }
      if (this.#foreign.size >= MAX_POOLS) {
        for (const [oldest, old] of this.#foreign) {
          old.close();
          this.#foreign.delete(oldest);
          break;
        }
      }
      this.#foreign.set(place, pool);
    }
    return said(await pool.send(t));
  }

  /** New certificates: new connections use them, old ones finish. */
  renew(): void {
    const old = this.#mda;
    this.#mda = this.#openMda();
    old.close();
  }

  close(): void {
    this.#mda.close();
    for (const pool of this.#foreign.values()) pool.close();
  }

  #openMda(): LmtpPool {
    const { credentials } = this.#options;
    const security =
      credentials === undefined
        ? ({ tls: 'none' } as const)
        : ({ tls: 'required', verify: true, servername: MDA_NAME, credentials: credentials() } as const);
    return new LmtpPool({
      addresses: new AddressList(this.#options.mda),
      connectionsPerAddress: this.#options.connections,
      open: {
        protocol: 'lmtp',
        helloName: this.#options.helloName,
        timeouts: MDA_TIMEOUTS,
        ...security,
      },
    });
  }
}

/** A pool's answer as the conversation that it was. */
export function said({ outcomes, peer }: Awaited<ReturnType<LmtpPool['send']>>): Conversation {
  if (peer === undefined) return { outcomes, peer };
  const { name, host, tls, sessionId } = peer;
  return { outcomes, peer: { host: name, address: host, tls, sessionId, transcript: '' } };
}
