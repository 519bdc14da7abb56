import { setTimeout as pause } from 'node:timers/promises';
import type { AuthenticateRequest, AuthenticateResponse } from '@waybill/auth-client';
import { parseAddress } from './address.ts';
import type { CredentialRow, Credentials, Login } from './directory/credentials.ts';
import type { Events } from './events.ts';
import { HashQueue, HashQueueFull } from './password/hash-queue.ts';
import { hashPassword, verifyPassword } from './password/phc.ts';
import type { SuccessCache } from './password/success-cache.ts';
import type { Penalties } from './penalties.ts';

/**
 * Who is this? The order: read the account, remember a recent success, pay for past failures, hash.
 * An unknown user costs the same hash as a known one, so neither words nor time tell them apart.
 */
export interface AuthenticatorParts {
  readonly credentials: Credentials;
  readonly queue: HashQueue;
  readonly successes: SuccessCache;
  readonly penalties: Penalties;
  readonly events: Events;
}

/** Longest password in octets; hashing longer ones would be the attack. */
const MAX_PASSWORD_OCTETS = 1024;
/** Attempts that may sit out a delay at a time; more are told to try later. */
const MAX_DELAYED = 1000;

export class Authenticator {
  readonly #parts: AuthenticatorParts;
  /** Of a password that nobody knows: what unknown users are compared with. */
  readonly #dummy: Promise<string> = hashPassword(crypto.randomUUID());
  /** Verifications under way, so that many connections with one password share one hash. */
  readonly #underWay = new Map<string, Promise<CredentialRow | undefined>>();
  #delayed = 0;

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
    // Whoever awaits it first meets its fault; until then it is no unhandled rejection.
    this.#dummy.catch(() => undefined);
  }

  /** @throws what the database throws */
  async authenticate(request: AuthenticateRequest): Promise<AuthenticateResponse> {
    const { credentials, successes, penalties, events } = this.#parts;
    if (Buffer.byteLength(request.password) > MAX_PASSWORD_OCTETS) return this.#denied(request, undefined);
    const address = parseAddress(request.username);
    const login = address === undefined ? undefined : await credentials.login(address);
    const versions = login?.credentials.map((credential) => credential.version) ?? [];
    const fingerprint = successes.fingerprint(login?.account.accountId ?? '', request.password);
    if (login !== undefined && successes.has(fingerprint, versions)) {
      events.authenticated('remembered', request, login.account);
      return { status: 'ok', account: login.account };
    }
    if (!(await this.#penance(request))) return this.#tryLater(request, 'penalty');
    let matched: CredentialRow | undefined;
    try {
      matched = await this.#verifyOnce(fingerprint, request.password, login);
    } catch (error) {
      if (error instanceof HashQueueFull) return this.#tryLater(request, 'busy');
      throw error;
    }
    if (login === undefined || matched === undefined) {
      penalties.failed(request.client, penaltyName(request));
      return this.#denied(request, login);
    }
    successes.add(fingerprint, matched.version);
    penalties.succeeded(penaltyName(request));
    events.authenticated('ok', request, login.account);
    return { status: 'ok', account: login.account };
  }

  /** Sits out the delay that earlier failures cost; false when the attempt is not heard at all. */
  async #penance(request: AuthenticateRequest): Promise<boolean> {
    const penalty = this.#parts.penalties.before(request.client, penaltyName(request));
    if (penalty.kind === 'refuse') return false;
    if (penalty.ms === 0) return true;
    if (this.#delayed >= MAX_DELAYED) return false;
    this.#delayed++;
    await pause(penalty.ms);
    this.#delayed--;
    return true;
  }

  #verifyOnce(
    fingerprint: string,
    password: string,
    login: Login | undefined,
  ): Promise<CredentialRow | undefined> {
    if (login === undefined) return this.#verify(password, undefined);
    const key = `${fingerprint} ${login.credentials.map((credential) => credential.version).join(' ')}`;
    const running = this.#underWay.get(key);
    if (running !== undefined) return running;
    const started = this.#verify(password, login).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, started);
    return started;
  }

  async #verify(password: string, login: Login | undefined): Promise<CredentialRow | undefined> {
    const { queue } = this.#parts;
    const candidates = login?.credentials ?? [];
    if (candidates.length === 0) {
      const dummy = await this.#dummy;
      await queue.run(() => verifyPassword(password, dummy));
      return undefined;
    }
    return queue.run(async () => {
      for (const credential of candidates)
        if (await verifyPassword(password, credential.phc)) return credential;
      return undefined;
    });
  }

  #denied(request: AuthenticateRequest, login: Login | undefined): AuthenticateResponse {
    this.#parts.events.authenticated('denied', request, login?.account);
    return { status: 'denied' };
  }

  #tryLater(request: AuthenticateRequest, why: 'penalty' | 'busy'): AuthenticateResponse {
    this.#parts.events.authenticated(why, request, undefined);
    return { status: 'try-later' };
  }
}

/** The account as the client spells it, so that unknown names are treated like known ones. */
function penaltyName(request: AuthenticateRequest): string {
  return request.username.toLowerCase();
}
