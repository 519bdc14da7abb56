import type { Lab, MailHost } from '@waybill/dns';
import { reply } from '@waybill/smtp';
import {
  IdlePool,
  type OpenOptions,
  type RecipientOutcome,
  SmtpConnection,
  type Transaction,
} from '@waybill/smtp/client';
import type { SmartHost } from '../route/relay.ts';
import { isHostTrouble } from '../outcome.ts';

/** Who answered in the end, for rows, reports and the journey. */
export interface Peer {
  readonly host: string;
  readonly address: string;
  readonly tls: string | undefined;
  readonly sessionId: string | undefined;
  /** '' where none was kept. */
  readonly transcript: string;
}

export interface Conversation {
  readonly outcomes: readonly RecipientOutcome[];
  readonly peer: Peer | undefined;
}

export interface SmtpSenderOptions {
  readonly helloName: string;
  readonly lab: Lab;
  readonly timeouts?: OpenOptions['timeouts'];
  /** See IdlePool. */
  readonly keepMs?: number;
}

/** Hosts' addresses that one attempt tries. */
const MAX_TRIES = 5;
const SMTP_PORT = 25;

interface Place {
  readonly host: string;
  readonly port: number;
  readonly name: string;
}

/** Conversations with strangers' hosts: one after the other until one takes the message or decides on it. */
export class SmtpSender {
  readonly #options: SmtpSenderOptions;
  readonly #idle: IdlePool;

  constructor(options: SmtpSenderOptions) {
    this.#options = options;
    this.#idle = new IdlePool(options.keepMs === undefined ? {} : { keepMs: options.keepMs });
  }

  /** Over a domain's mail hosts, whose addresses must be of the public internet. */
  async overHosts(t: Transaction, hosts: readonly MailHost[]): Promise<Conversation> {
    const places = hosts.flatMap(({ name, addresses }) =>
      addresses
        .filter((address) => this.#options.lab.policy.permits(address))
        .map((host) => ({ host, port: SMTP_PORT, name })),
    );
    if (places.length === 0) {
      const refusal = reply(
        550,
        '5.4.4',
        'None of the addresses of the mail hosts is one of the public internet',
      );
      return { outcomes: t.recipients.map(() => ({ kind: 'unsuitable', reply: refusal })), peer: undefined };
    }
    return this.#overPlaces(t, places, { tls: 'opportunistic' });
  }

  async overRelay(t: Transaction, relay: SmartHost): Promise<Conversation> {
    let places: readonly Place[];
    try {
      places = (await relay.addresses.addresses()).map(({ host, port }) => ({
        host,
        port,
        name: relay.name,
      }));
    } catch (error) {
      return nobody(t, { kind: 'lost', phase: 'connect', unknown: false, cause: (error as Error).message });
    }
    const auth = relay.auth === undefined ? {} : { auth: relay.auth };
    return this.#overPlaces(t, places, { tls: relay.tls, verify: relay.tls !== 'opportunistic', ...auth });
  }

  close(): void {
    this.#idle.close();
  }

  /** RFC 5321 §5.1: the next host is tried when one cannot be had; who has decided on the message is not gone around. */
  async #overPlaces(
    t: Transaction,
    places: readonly Place[],
    security: Pick<OpenOptions, 'tls' | 'verify' | 'auth'>,
  ): Promise<Conversation> {
    let last: Conversation = nobody(t, {
      kind: 'lost',
      phase: 'connect',
      unknown: false,
      cause: 'no host to try',
    });
    for (const place of places.slice(0, MAX_TRIES)) {
      last = await this.#overPlace(t, place, security);
      const goOn = last.outcomes.every((outcome) => isHostTrouble(outcome) || outcome.kind === 'unsuitable');
      if (!goOn) return last;
    }
    return last;
  }

  async #overPlace(
    t: Transaction,
    place: Place,
    security: Pick<OpenOptions, 'tls' | 'verify' | 'auth'>,
  ): Promise<Conversation> {
    const real = this.#options.lab.place(place.host, place.port);
    const key = `${real.host} ${real.port} ${place.name} ${security.tls}`;
    const kept = this.#idle.take(key);
    if (kept !== undefined) {
      const answer = await this.#say(kept, t, place, key);
      // An idle connection may have been closed by the peer meanwhile: that tells nothing of the host.
      if (!answer.outcomes.every(isHostTrouble)) return answer;
    }
    const opened = await SmtpConnection.open({
      ...security,
      host: real.host,
      port: real.port,
      name: place.name,
      protocol: 'smtp',
      helloName: this.#options.helloName,
      transcript: true,
      ...(this.#options.timeouts === undefined ? {} : { timeouts: this.#options.timeouts }),
    });
    if (opened.kind === 'open') return this.#say(opened.connection, t, place, key);
    const { phase, reply: said, cause } = opened.failure;
    const outcome: RecipientOutcome =
      said === undefined
        ? { kind: 'lost', phase, unknown: false, cause }
        : { kind: 'replied', phase, reply: said };
    const peer = {
      host: place.name,
      address: place.host,
      tls: undefined,
      sessionId: undefined,
      transcript: opened.transcript,
    };
    return { outcomes: t.recipients.map(() => outcome), peer };
  }

  async #say(connection: SmtpConnection, t: Transaction, place: Place, key: string): Promise<Conversation> {
    const outcomes = await connection.send(t);
    const { tls, sessionId, transcript } = connection;
    this.#idle.give(key, connection);
    return { outcomes, peer: { host: place.name, address: place.host, tls, sessionId, transcript } };
  }
}

function nobody(t: Transaction, outcome: RecipientOutcome): Conversation {
  return { outcomes: t.recipients.map(() => outcome), peer: undefined };
}
