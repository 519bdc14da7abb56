import { type SaslMechanism, type SaslRequest, type SaslResponse, TRY_LATER } from '@waybill/auth-client';
import type { Authenticator } from '../authenticate.ts';
import type { Events } from '../events.ts';
import { oauthMechanism, type OauthParts } from './oauth.ts';
import { login, plain } from './password-mechanisms.ts';
import { scramMechanism, type ScramParts } from './scram-mechanism.ts';
import type { SealedStates } from './sealed-state.ts';

/**
 * SASL for every door: one step of an exchange in, the next challenge or the outcome out. Nothing is kept
 * between steps but what travels sealed in `state`, so each step may meet another replica.
 */
export interface Step {
  readonly request: SaslRequest;
  /** What the client said; undefined at a first step without an initial response. */
  readonly response: Buffer | undefined;
  /** What the step before remembered; undefined at the first. */
  readonly state: object | undefined;
  /** performance.now() when the step came. */
  readonly arrived: number;
}

/** What a mechanism answers: a challenge with what it must remember, or the outcome. */
export type Answer =
  | { readonly challenge: string | Buffer; readonly remember: object }
  | Exclude<SaslResponse, { status: 'challenge' }>;

/** One step of a mechanism. @throws what the database throws */
export type Mechanism = (step: Step) => Answer | Promise<Answer>;

export interface SaslParts extends OauthParts, ScramParts {
  readonly authenticator: Authenticator;
  readonly states: SealedStates;
  readonly events: Events;
}

export class SaslEngine {
  readonly #parts: SaslParts;
  readonly #mechanisms: Readonly<Record<SaslMechanism, Mechanism>>;

  constructor(parts: SaslParts) {
    this.#parts = parts;
    this.#mechanisms = {
      PLAIN: plain(parts.authenticator),
      LOGIN: login(parts.authenticator),
      'SCRAM-SHA-256': scramMechanism(parts),
      OAUTHBEARER: oauthMechanism(parts, 'OAUTHBEARER'),
      XOAUTH2: oauthMechanism(parts, 'XOAUTH2'),
    };
  }

  /** Never rejects: trouble of any kind is `try-later`. */
  async step(request: SaslRequest): Promise<SaslResponse> {
    const arrived = performance.now();
    const response = request.response === undefined ? undefined : decode(request.response);
    if (response === undefined && request.response !== undefined) return { status: 'malformed' };
    const { states, events } = this.#parts;
    let state: object | undefined;
    if (request.state !== undefined) {
      if (response === undefined) return { status: 'malformed' };
      state = states.open(request);
      // Too old, or of another exchange: that attempt is over.
      if (state === undefined) return { status: 'denied' };
    } else if (response === undefined && request.mechanism !== 'LOGIN')
      // The mechanisms in which the client speaks first: an empty challenge asks it to. RFC 4422 §3.3.
      return { status: 'challenge', challenge: '', state: states.seal(request, { step: 'initial' }) };
    try {
      const first = state === undefined || ('step' in state && state.step === 'initial');
      const step = { request, response, state: first ? undefined : state, arrived };
      const answer = await this.#mechanisms[request.mechanism](step);
      if (!('challenge' in answer)) return answer;
      const challenge = Buffer.from(answer.challenge).toString('base64');
      return { status: 'challenge', challenge, state: states.seal(request, answer.remember) };
    } catch (error) {
      events.failed('sasl', error);
      return TRY_LATER;
    }
  }
}

/** RFC 4648 §4, strictly: padding where it belongs, nothing else in between. @returns undefined otherwise */
export function decode(text: string): Buffer | undefined {
  if (text.length % 4 !== 0) return undefined;
  const octets = Buffer.from(text, 'base64');
  return octets.toString('base64') === text ? octets : undefined;
}
