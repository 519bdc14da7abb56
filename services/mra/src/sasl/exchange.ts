/**
 * One SASL exchange of IMAP or POP3, whatever the mechanism: PLAIN and LOGIN are read here, of all others the
 * octets are carried between the client and auth, which conducts them. No part of it is kept when it is over.
 */
import type { Auth, AuthenticateResponse, Sasl, SaslMechanism } from '@waybill/auth-client';
import { decodeBase64 } from './base64.ts';
import { LOGIN_CHALLENGES, readLogin } from './login.ts';
import { readPlain } from './plain.ts';

/** What is asked of auth while somebody logs in. */
export type LoginAuth = Pick<Auth, 'authenticate'> & Sasl;

/** Who asks. */
export interface Asker {
  /** The client's address, for throttling. */
  readonly client: string;
  readonly protocol: 'imap' | 'pop3';
}

export type SaslOutcome =
  /** Say this, base64 or '', and come back with the answer. */
  | { readonly status: 'challenge'; readonly challenge: string }
  /** Not base64, or not what the mechanism sends. */
  | { readonly status: 'malformed' }
  | AuthenticateResponse;

/** No mechanism needs as many: SCRAM has three responses, OAUTHBEARER two. */
const MAX_RESPONSES = 6;

const MALFORMED: SaslOutcome = { status: 'malformed' };
const DENIED: SaslOutcome = { status: 'denied' };

export class SaslExchange {
  readonly mechanism: SaslMechanism;
  readonly #auth: LoginAuth;
  readonly #asker: Asker;
  #responses = 0;
  /** LOGIN's first answer. */
  #first: string | undefined;
  #state: string | undefined;
  /** Whom the client named, where that was read here; '' else. */
  username = '';

  constructor(mechanism: SaslMechanism, auth: LoginAuth, asker: Asker) {
    this.mechanism = mechanism;
    this.#auth = auth;
    this.#asker = asker;
  }

  /**
   * The beginning. `initial`: the initial response as it stood in the command, '=' for an empty one (RFC 4959 §3,
   * RFC 5034 §4); null when there was none. Does not reject.
   */
  begin(initial: string | null): Promise<SaslOutcome> {
    return this.#step(initial === '=' ? '' : (initial ?? undefined));
  }

  /** A line of the client that answers a challenge. Does not reject. */
  respond(line: string): Promise<SaslOutcome> {
    return this.#step(line);
  }

  async #step(response: string | undefined): Promise<SaslOutcome> {
    if (++this.#responses > MAX_RESPONSES) return MALFORMED;
    switch (this.mechanism) {
      case 'PLAIN':
        return response === undefined ? challenge('') : this.#plain(response);
      case 'LOGIN':
        return this.#login(response);
      default:
        return this.#carry(response);
    }
  }

  #plain(response: string): Promise<SaslOutcome> | SaslOutcome {
    const credentials = readPlain(response);
    if (credentials === 'malformed') return MALFORMED;
    // RFC 4616 §2: to act for somebody else is not offered, and told from a wrong password by nothing.
    if (credentials === 'cannot-act-for-others') return DENIED;
    return this.#ask(credentials.username, credentials.password);
  }

  #login(response: string | undefined): Promise<SaslOutcome> | SaslOutcome {
    if (response === undefined) return challenge(LOGIN_CHALLENGES[0]);
    if (this.#first === undefined) {
      this.#first = response;
      return challenge(LOGIN_CHALLENGES[1]);
    }
    const credentials = readLogin(this.#first, response);
    this.#first = undefined;
    return credentials === 'malformed' ? MALFORMED : this.#ask(credentials.username, credentials.password);
  }

  #ask(username: string, password: string): Promise<SaslOutcome> {
    this.username = username;
    return this.#auth.authenticate({ username, password, ...this.#asker });
  }

  async #carry(response: string | undefined): Promise<SaslOutcome> {
    if (response !== undefined && decodeBase64(response) === undefined) return MALFORMED;
    const answer = await this.#auth.sasl({
      mechanism: this.mechanism,
      ...(response === undefined ? {} : { response }),
      ...(this.#state === undefined ? {} : { state: this.#state }),
      ...this.#asker,
    });
    if (answer.status === 'challenge') this.#state = answer.state;
    return answer;
  }
}

function challenge(text: string): SaslOutcome {
  return { status: 'challenge', challenge: text };
}
