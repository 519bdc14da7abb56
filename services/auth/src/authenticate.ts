import { timingSafeEqual } from 'node:crypto';
import type { Account, AuthenticateRequest, AuthenticateResponse } from '@waybill/auth-client';
import { type Address, formatAddress, parseAddress } from './address.ts';
import type { CredentialRow, Credentials, Login } from './directory/credentials.ts';
import type { LoginTraces } from './directory/login-traces.ts';
import type { Events } from './events.ts';
import type { Gate } from './gate.ts';
import type { ForeignHashes } from './password/foreign-hashes.ts';
import { HashQueue, HashQueueFull, type Lane } from './password/hash-queue.ts';
import { digestOf, type PasswordMaker } from './password/password-maker.ts';
import { findFitting, hashPassword } from './password/phc.ts';
import { isForeign } from './password/schemes.ts';
import type { SuccessCache } from './password/success-cache.ts';
import { type Attempt, networksOf } from './penalties.ts';

/**
 * Who is this? The order: bans, the account's row, a recent success, what past failures cost, one hash.
 * An unknown user costs the same hash as a known one, and a refusal goes out at a beat, so neither words
 * nor time tell them apart.
 */
export interface AuthenticatorParts {
  readonly credentials: Credentials;
  readonly queue: HashQueue;
  readonly foreign: ForeignHashes;
  readonly maker: PasswordMaker;
  readonly successes: SuccessCache;
  readonly gate: Gate;
  readonly traces: LoginTraces;
  readonly events: Events;
}

/** Who asks, for whom: the part of a request that every mechanism has. */
export type Claim = Omit<AuthenticateRequest, 'password'>;

/** Longest password in octets; hashing longer ones would be the attack. */
const MAX_PASSWORD_OCTETS = 1024;

export class Authenticator {
  readonly #parts: AuthenticatorParts;
  /** Of a password that nobody knows: what unknown users are compared with. */
  readonly #dummy: Promise<string> = hashPassword(crypto.randomUUID());
  /** Verifications under way, so that many connections with one password share one hash. */
  readonly #underWay = new Map<string, Promise<CredentialRow | undefined>>();

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
    // Whoever awaits it first meets its fault; until then it is no unhandled rejection.
    this.#dummy.catch(() => undefined);
  }

  /** A password in clear. @throws what the database throws */
  async authenticate(request: AuthenticateRequest): Promise<AuthenticateResponse> {
    const arrived = performance.now();
    const { successes, gate } = this.#parts;
    if (gate.isBanned(request.client) || Buffer.byteLength(request.password) > MAX_PASSWORD_OCTETS)
      return this.denied(request, undefined, arrived);
    const { name, login } = await this.find(request);
    const credentials = usable(login, request);
    const versions = credentials.map((credential) => credential.version);
    const fingerprint = successes.fingerprint(name, request.password);
    const remembered = login === undefined ? undefined : successes.find(fingerprint, versions);
    if (login !== undefined && remembered !== undefined) {
      this.#note(request, login.account, credentials[versions.indexOf(remembered)]!);
      return this.#welcome('remembered', request, login.account);
    }
    const attempt = { client: request.client, name, fingerprint, known: login?.known ?? false };
    const passage = await gate.enter(attempt);
    if (passage === undefined) return this.tryLater(request, 'penalty');
    try {
      const matched = await this.#verifyOnce(fingerprint, request.password, credentials, passage.lane);
      if (login === undefined || matched === undefined) {
        gate.failed(attempt);
        return await this.denied(request, login, arrived);
      }
      successes.add(fingerprint, matched.version);
      const answer = this.accepted(request, attempt, login, matched);
      this.#improve(request.password, login, matched);
      return answer;
    } catch (error) {
      if (error instanceof HashQueueFull) return this.tryLater(request, 'busy');
      throw error;
    } finally {
      passage.leave();
    }
  }

  /** The account behind a login name, if there is one, and the name as failures are counted by. @throws what the database throws */
  async find(claim: Claim): Promise<{ readonly name: string; readonly login: Login | undefined }> {
    const address: Address | undefined = parseAddress(claim.username);
    if (address === undefined) return { name: claim.username.toLowerCase(), login: undefined };
    const network = networkOf(claim.client);
    const login = await this.#parts.credentials.login(address, network);
    const known =
      login !== undefined && (login.known || this.#parts.traces.knows(login.account.accountId, network));
    return { name: formatAddress(address), login: login === undefined ? undefined : { ...login, known } };
  }

  /** A credential was proven right, whatever the mechanism. */
  accepted(claim: Claim, attempt: Attempt, login: Login, credential: CredentialRow): AuthenticateResponse {
    this.#parts.gate.succeeded(attempt);
    this.#note(claim, login.account, credential);
    return this.#welcome('ok', claim, login.account);
  }

  async denied(claim: Claim, login: Login | undefined, arrived: number): Promise<AuthenticateResponse> {
    this.#parts.events.authenticated('denied', claim, login?.account);
    await this.#parts.gate.beat(arrived);
    return { status: 'denied' };
  }

  tryLater(claim: Claim, why: 'penalty' | 'busy'): AuthenticateResponse {
    this.#parts.events.authenticated(why, claim, undefined);
    return { status: 'try-later' };
  }

  #welcome(outcome: 'ok' | 'remembered', claim: Claim, account: Account): AuthenticateResponse {
    this.#parts.events.authenticated(outcome, claim, account);
    return { status: 'ok', account };
  }

  #note(claim: Claim, { accountId }: Account, { label, digest }: CredentialRow): void {
    const network = networkOf(claim.client);
    this.#parts.traces.note({ accountId, label, app: digest !== undefined, network });
  }

  #verifyOnce(
    fingerprint: string,
    password: string,
    credentials: readonly CredentialRow[],
    lane: Lane,
  ): Promise<CredentialRow | undefined> {
    const key = `${fingerprint} ${credentials.map((credential) => credential.version).join(' ')}`;
    const running = this.#underWay.get(key);
    if (running !== undefined) return running;
    const started = this.#verify(password, credentials, lane).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, started);
    return started;
  }

  /** One digest and one hash, for whoever it is; another server's hash comes after them. */
  async #verify(
    password: string,
    credentials: readonly CredentialRow[],
    lane: Lane,
  ): Promise<CredentialRow | undefined> {
    const digest = digestOf(password);
    let app: CredentialRow | undefined;
    for (const credential of credentials)
      if (credential.digest !== undefined && timingSafeEqual(credential.digest, digest)) app = credential;
    if (app !== undefined) return app;
    const hashed = credentials.filter(({ phc }) => phc !== undefined && !isForeign(phc));
    const foreign = credentials.filter(({ phc }) => phc !== undefined && isForeign(phc));
    const phcs = hashed.length > 0 ? hashed.map(({ phc }) => phc!) : [await this.#dummy];
    return this.#parts.queue.run(async () => {
      const found = hashed[await findFitting(password, phcs)];
      if (found !== undefined) return found;
      for (const credential of foreign)
        if (await this.#parts.foreign.verify(password, credential.phc!)) return credential;
      return undefined;
    }, lane);
  }

  /** Keeps a password that was seen in clear in the form that we would give it today, when there is time. */
  #improve(password: string, login: Login, matched: CredentialRow): void {
    const { maker, credentials, events } = this.#parts;
    const { phc, scram } = matched;
    if (phc === undefined) return;
    const siblings = login.credentials.flatMap((credential) => credential.phc ?? []);
    const { accountId, address } = login.account;
    if (!maker.isOutdated({ phc, scram }, address, siblings)) return;
    maker
      .make(password, address, siblings, 'back')
      .then((kept) => credentials.improve(accountId, matched, kept))
      .catch((error: unknown) => {
        // The next login comes by here too.
        if (!(error instanceof HashQueueFull)) events.failed('improve', error);
      });
  }
}

/** Those that are good for the protocol. */
export function usable(login: Login | undefined, { protocol }: Claim): CredentialRow[] {
  return login?.credentials.filter(({ scopes }) => scopes.includes(protocol)) ?? [];
}

/** CIDR of a client; undefined for one without an address. */
function networkOf(client: string): string | undefined {
  const { narrow } = networksOf(client);
  return narrow.includes('/') ? narrow : undefined;
}
