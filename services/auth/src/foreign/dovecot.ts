import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import {
  SASL_MECHANISMS,
  type SaslMechanism,
  type SaslRequest,
  type SaslResponse,
} from '@waybill/auth-client';
import { type Answer, type Conversation, Garbage, type Incomplete, type Request } from './conversation.ts';
import { type ClientLine, escapeTabs, protocolOf, readClientLine } from './dovecot-line.ts';
import { readLine } from './lines.ts';
import { plainAddress } from '@waybill/listener';

/**
 * Dovecot's authentication protocol, the server's side of client and server, version 1.2: what Postfix, Exim and
 * Dovecot's own programs ask with. Many requests may be under way on one connection; each is told by its id.
 * Nothing is kept of an exchange but what its next step needs.
 */
export interface SaslEngine {
  step(request: SaslRequest): Promise<SaslResponse>;
}

/** What an agent's own policy may refuse a mechanism for, or ask of it. */
const TRAITS: Readonly<Record<SaslMechanism, string>> = {
  PLAIN: '\tplaintext',
  LOGIN: '\tplaintext',
  'SCRAM-SHA-256': '\tmutual-auth',
  OAUTHBEARER: '',
  XOAUTH2: '',
};

/** Octets of a line; version 1.1 expects 8,192, version 1.2 16,384. */
const MAX_LINE = 16_384;
/** Exchanges that wait for their client at a time on one connection. */
const MAX_WAITING = 1000;
/** After this an agent has forgotten the exchange, and so has `state`. */
const WAITING_MS = 150_000;
/** A number per connection of this process. */
let connections = 0;

interface Waiting extends Pick<SaslRequest, 'mechanism' | 'client' | 'protocol'> {
  readonly state: string;
  readonly since: number;
}

type Asked = Extract<ClientLine, { kind: 'auth' | 'cont' }>;

export class DovecotConversation implements Conversation {
  readonly greeting: string;
  readonly parallel = 64;
  readonly #engine: SaslEngine;
  readonly #client: string;
  readonly #mechanisms: ReadonlySet<string>;
  readonly #inHand = new Set<string>();
  readonly #cancelled = new Set<string>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #asked = new WeakMap<Request, string>();
  #minor: number | undefined;
  #introduced = false;

  /** @param client the agent's own address, which stands for a client whose address it does not tell */
  constructor(engine: SaslEngine, client: string, mechanisms: readonly SaslMechanism[]) {
    this.#engine = engine;
    this.#client = client;
    this.#mechanisms = new Set(mechanisms);
    // Postfix takes a SPID before the first MECH for the door of another kind of client.
    this.greeting = [
      'VERSION\t1\t2\n',
      ...mechanisms.map((name) => `MECH\t${name}${TRAITS[name]}\n`),
      `SPID\t${process.pid}\n`,
      `CUID\t${++connections}\n`,
      `COOKIE\t${randomBytes(16).toString('hex')}\n`,
      'DONE\n',
    ].join('');
  }

  get ready(): boolean {
    return this.#introduced;
  }

  next(octets: Buffer): Request | Incomplete {
    const line = readLine(octets, MAX_LINE);
    if ('need' in line) return line;
    const { length } = line;
    const said = readClientLine(line.text);
    if (said.kind === 'version') {
      if (said.major !== 1) throw new Garbage(`version ${said.major} of the protocol`);
      this.#minor = said.minor;
      return { length };
    }
    if (this.#minor === undefined) throw new Garbage('no VERSION at the beginning');
    if (said.kind === 'cpid') {
      this.#introduced = true;
      return { length };
    }
    if (!this.#introduced) throw new Garbage('no CPID before the first request');
    if (said.kind === 'cancel') {
      this.#waiting.delete(said.id);
      if (this.#inHand.has(said.id)) this.#cancelled.add(said.id);
      return { length };
    }
    return this.#request(said, length);
  }

  #request(said: Asked, length: number): Request {
    const { id } = said;
    if (this.#inHand.has(id)) throw new Garbage('an id of which the answer is not there yet');
    const step = said.kind === 'auth' ? this.#first(said) : this.#following(said);
    const request: Request = {
      length,
      answer: async () => {
        if ('text' in step) return step;
        this.#inHand.add(id);
        try {
          return this.#answer(id, step, await this.#engine.step(step));
        } finally {
          this.#inHand.delete(id);
          this.#cancelled.delete(id);
        }
      },
    };
    this.#asked.set(request, id);
    return request;
  }

  #first({
    id,
    mechanism,
    service,
    remote,
    response,
  }: Extract<Asked, { kind: 'auth' }>): SaslRequest | Answer {
    if (this.#waiting.has(id)) throw new Garbage('an id of an exchange that is not over');
    if (!this.#mechanisms.has(mechanism) || !isMechanism(mechanism))
      return fail(id, 'refused', 'Unsupported authentication mechanism');
    const protocol = protocolOf(service);
    if (protocol === undefined) return fail(id, 'refused', 'Unknown service');
    const client = remote !== undefined && isIP(remote) !== 0 ? plainAddress(remote) : this.#client;
    return { mechanism, client, protocol, ...(response === undefined ? {} : { response }) };
  }

  #following({ id, response }: Extract<Asked, { kind: 'cont' }>): SaslRequest | Answer {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting === undefined || performance.now() - waiting.since > WAITING_MS)
      return fail(id, 'refused', 'Authentication took too long');
    const { mechanism, state, client, protocol } = waiting;
    return { mechanism, state, client, protocol, response };
  }

  #answer(id: string, step: SaslRequest, outcome: SaslResponse): Answer {
    if (this.#cancelled.has(id)) return { text: '', result: 'cancelled' };
    switch (outcome.status) {
      case 'ok':
        return { text: `OK\t${id}\tuser=${escapeTabs(outcome.account.address)}\n`, result: 'ok' };
      case 'challenge': {
        const { mechanism, client, protocol } = step;
        this.#remember(id, { mechanism, client, protocol, state: outcome.state, since: performance.now() });
        return { text: `CONT\t${id}\t${outcome.challenge}\n`, result: 'challenge' };
      }
      case 'denied':
        return fail(id, 'denied', 'Authentication failed');
      case 'malformed':
        return fail(id, 'malformed', 'Malformed authentication data');
      default:
        return this.#tryLater(id);
    }
  }

  #remember(id: string, waiting: Waiting): void {
    if (this.#waiting.size >= MAX_WAITING) {
      const [oldest] = this.#waiting.keys();
      if (oldest !== undefined) this.#waiting.delete(oldest);
    }
    this.#waiting.set(id, waiting);
  }

  /**
   * Clients of version 1.0, as Postfix and Exim are, know no temporary failure: a FAIL is a wrong password to
   * them, and a 535. A connection that breaks is what they take for trouble, and 454.
   */
  #tryLater(id: string): Answer {
    if (this.#minor === 0) return { text: '', result: 'try-later', hangUp: true };
    const text = `FAIL\t${id}\ttemp\tcode=temp_fail\treason=Temporary authentication failure, try again later\n`;
    return { text, result: 'try-later' };
  }

  trouble(request: Request): Answer {
    return this.#tryLater(this.#asked.get(request) ?? '0');
  }
}

function isMechanism(name: string): name is SaslMechanism {
  return SASL_MECHANISMS.some((mechanism) => mechanism === name);
}

/** `reason` is shown to whoever logs in: it never says whether the user or the password was wrong. */
function fail(id: string, result: string, reason: string): Answer {
  return { text: `FAIL\t${id}\treason=${reason}\n`, result };
}
