import { Compile } from 'typebox/compile';
import { Check } from 'typebox/value';
import { Connections, type ConnectionsOptions, type Credentials } from './connections.ts';
import {
  type Auth,
  type AuthenticateRequest,
  AuthenticateResponse,
  type Ban,
  type BanList,
  BansResponse,
  type ForwardSender,
  type ForwardSenderRequest,
  ForwardSenderResponse,
  Refusal,
  MaySendResponse,
  type Resolution,
  ResolveResponse,
  RouteResponse,
  type Sasl,
  type SaslRequest,
  SaslResponse,
  type Spending,
  type SpendRequest,
  SpendResponse,
  TRY_LATER,
  type TryLater,
} from './contract.ts';
import { Lookups } from './lookups.ts';

/**
 * Asks auth on an agent's behalf: kept connections with certificates on both sides, a deadline, a
 * short cache. Trouble of any kind becomes `try-later`; no look-up ever rejects.
 */
export interface AuthClientOptions extends Omit<ConnectionsOptions, 'serverName'> {
  /** Milliseconds within which auth must answer; a login has 5,000 at least. Default 2,000. */
  readonly deadlineMs?: number;
  /** Milliseconds for which an auth that cannot be reached is waited for; once for all, when it stays away. Default 20,000. */
  readonly patienceMs?: number;
  /** Milliseconds for which a positive answer is repeated. Default 10,000; 0 keeps none. */
  readonly positiveMs?: number;
  /** The same for "unknown" and "not ours"; never more than 5,000, which is the default. */
  readonly negativeMs?: number;
  /** Most answers kept, of each kind. Default 10,000. */
  readonly entries?: number;
  /** Told of every call that got no answer, with its cause: for a metric and the log. */
  readonly onTrouble?: (call: string, cause: unknown) => void;
}

/** The name in auth's certificate. */
export const SERVER_NAME = 'auth';
/** The longest address: RFC 5321 §4.5.3.1.1 and §4.5.3.1.2, 64 + 1 + 255 octets. */
const MAX_ADDRESS = 320;
/** Longest password in octets: longer ones are an attack on the hashing. */
const MAX_PASSWORD = 1024;

/** What a login may take, in ms: its share of earlier failures, its turn at the hashing, the hash. */
const LOGIN_MS = 5000;
/** As long as the edge holds a client while an agent restarts. */
const PATIENCE_MS = 20_000;
/** Logins that one replica of auth is asked for at a time. */
const LOGINS = 64;

const isAuthenticateResponse = Compile(AuthenticateResponse);
const isResolveResponse = Compile(ResolveResponse);
const isRouteResponse = Compile(RouteResponse);
const isMaySendResponse = Compile(MaySendResponse);
const isSaslResponse = Compile(SaslResponse);
const isSpendResponse = Compile(SpendResponse);
const isBansResponse = Compile(BansResponse);
const isForwardSenderResponse = Compile(ForwardSenderResponse);
/** Longest base64 of one client response; longer is none of ours. */
const MAX_RESPONSE = 16_384;

export class AuthClient implements Auth, Sasl, Spending, BanList, ForwardSender {
  readonly #options: AuthClientOptions;
  readonly #connections: Connections;
  /** Apart, since logins wait: for hashing, or for failures before them. No look-up stands behind them. */
  readonly #logins: Connections;
  readonly #deadlineMs: number;
  readonly #patienceMs: number;
  readonly #resolutions: Lookups<Resolution>;
  readonly #routes: Lookups<RouteResponse | TryLater>;
  readonly #senders: Lookups<boolean | TryLater>;

  /** @throws Error when the list of addresses or the PEMs cannot be read */
  constructor(options: AuthClientOptions) {
    this.#options = options;
    this.#connections = new Connections({ ...options, serverName: SERVER_NAME });
    this.#logins = new Connections({ ...options, serverName: SERVER_NAME, maxConnections: LOGINS });
    this.#deadlineMs = options.deadlineMs ?? 2000;
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS;
    const positive = options.positiveMs ?? 10_000;
    const negative = Math.min(options.negativeMs ?? 5000, 5000, positive);
    const common = {
      patienceMs: this.#patienceMs,
      ...(options.entries === undefined ? {} : { entries: options.entries }),
    };
    this.#resolutions = new Lookups({
      ...common,
      batch: 1000,
      run: (keys, until) => this.#resolveMany(keys, until),
      lifeMs: (answer) => RESOLUTION_LIFE[answer.status](positive, negative),
    });
    this.#routes = new Lookups<RouteResponse | TryLater>({
      ...common,
      batch: 1,
      parallel: 16,
      run: async ([domain], until) => [
        (await this.#ask('route', { domain }, until, isRouteResponse)) ?? TRY_LATER,
      ],
      lifeMs: (answer) => ('status' in answer ? 0 : answer.ours ? positive : negative),
    });
    this.#senders = new Lookups<boolean | TryLater>({
      ...common,
      batch: 1000,
      run: (keys, until) => this.#maySendMany(keys, until),
      lifeMs: (answer) => (answer === true ? positive : answer === false ? negative : 0),
    });
  }

  async authenticate(request: AuthenticateRequest): Promise<AuthenticateResponse> {
    if (Buffer.byteLength(request.password) > MAX_PASSWORD || request.username.length > MAX_ADDRESS)
      return { status: 'denied' };
    const until = performance.now() + this.#patienceMs;
    return (
      (await this.#ask('authenticate', request, until, isAuthenticateResponse, { login: true })) ?? TRY_LATER
    );
  }

  /** Never cached. */
  async sasl(request: SaslRequest): Promise<SaslResponse> {
    if ((request.response?.length ?? 0) > MAX_RESPONSE) return { status: 'malformed' };
    const until = performance.now() + this.#patienceMs;
    return (await this.#ask('sasl', request, until, isSaslResponse, { login: true })) ?? TRY_LATER;
  }

  /** Counted again only where the connection broke before the answer: too much rather than too little. */
  async spend(request: SpendRequest): Promise<SpendResponse> {
    const until = performance.now() + this.#patienceMs;
    // An auth of the version before counts nothing: docs/decisions/0006.
    const before: SpendResponse = { status: 'ok' };
    return (await this.#ask('spend', request, until, isSpendResponse, { before })) ?? TRY_LATER;
  }

  /** Asked anew each time, and not waited for while auth is away: see `watchBans`. */
  async bans(): Promise<readonly Ban[] | TryLater> {
    const until = performance.now() + this.#deadlineMs;
    const answer = await this.#ask('bans', {}, until, isBansResponse, { before: { bans: [] } });
    return answer?.bans ?? TRY_LATER;
  }

  async forwardSender(request: ForwardSenderRequest): Promise<ForwardSenderResponse | TryLater> {
    const until = performance.now() + this.#patienceMs;
    const before: ForwardSenderResponse = { sender: request.sender };
    return (
      (await this.#ask('forward-sender', request, until, isForwardSenderResponse, { before })) ?? TRY_LATER
    );
  }

  async resolve(addresses: readonly string[]): Promise<readonly Resolution[]> {
    return gather(addresses.map((address) => this.#resolution(address)));
  }

  async resolveOne(address: string): Promise<Resolution> {
    return this.#resolution(address);
  }

  async route(domain: string): Promise<RouteResponse | TryLater> {
    if (domain.length > 255) return { ours: false, route: 'mx' };
    return this.#routes.get(domain);
  }

  async maySend(accountId: string, addresses: readonly string[]): Promise<readonly boolean[] | TryLater> {
    const answers = await gather(
      addresses.map((address) =>
        address.length > MAX_ADDRESS ? false : this.#senders.get(`${accountId} ${address}`),
      ),
    );
    return answers.every((answer) => typeof answer === 'boolean') ? answers : TRY_LATER;
  }

  /** Uses other certificates from now on. */
  renew(credentials: Credentials): void {
    this.#connections.renew(credentials);
    this.#logins.renew(credentials);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#connections[Symbol.asyncDispose](), this.#logins[Symbol.asyncDispose]()]);
  }

  #resolution(address: string): Resolution | Promise<Resolution> {
    // Nothing so long can exist; it is not worth a question.
    if (address.length > MAX_ADDRESS) return { status: 'unknown' };
    return this.#resolutions.get(address);
  }

  async #resolveMany(addresses: readonly string[], until: number): Promise<readonly Resolution[]> {
    const answer = await this.#ask('resolve', { addresses }, until, {
      Check: (value): value is ResolveResponse =>
        isResolveResponse.Check(value) && value.results.length === addresses.length,
    });
    return answer?.results ?? addresses.map(() => TRY_LATER);
  }

  /** Keys are `account address`; those of one account go together. */
  async #maySendMany(keys: readonly string[], until: number): Promise<readonly (boolean | TryLater)[]> {
    const answers: (boolean | TryLater)[] = keys.map(() => TRY_LATER);
    const byAccount = Map.groupBy(keys.keys(), (i) => keys[i]!.slice(0, keys[i]!.indexOf(' ')));
    const calls: Promise<void>[] = [];
    for (const [accountId, indexes] of byAccount) {
      for (let from = 0; from < indexes.length; from += 100) {
        const chunk = indexes.slice(from, from + 100);
        const addresses = chunk.map((i) => keys[i]!.slice(accountId.length + 1));
        const promised = {
          Check: (value: unknown): value is MaySendResponse =>
            isMaySendResponse.Check(value) && value.allowed.length === chunk.length,
        };
        calls.push(
          this.#ask('may-send', { accountId, addresses }, until, promised).then((answer) => {
            if (answer !== undefined) chunk.forEach((i, n) => (answers[i] = answer.allowed[n]!));
          }),
        );
      }
    }
    await Promise.all(calls);
    return answers;
  }

  /**
   * One call; undefined for anything but the answer that the contract promises. `before`: what an auth that does
   * not know the call is taken to say, while replicas are upgraded in any order.
   */
  async #ask<T>(
    call: string,
    body: unknown,
    until: number,
    promised: { Check(value: unknown): value is T },
    { login = false, before }: { readonly login?: boolean; readonly before?: T } = {},
  ): Promise<T | undefined> {
    try {
      const connections = login ? this.#logins : this.#connections;
      const reply = await connections.request('POST', `/v1/${call}`, body, {
        answerMs: login ? Math.max(this.#deadlineMs, LOGIN_MS) : this.#deadlineMs,
        until,
        absenceMs: this.#patienceMs,
        // A password that waits to be hashed is not hashed sooner by asking again.
        afterSilence: !login,
      });
      if (reply.status === 200 && promised.Check(reply.body)) return reply.body;
      if (before !== undefined && isUnknownCall(reply)) return before;
      this.#options.onTrouble?.(call, new Error(`auth answered ${reply.status} to ${call}`));
    } catch (error) {
      this.#options.onTrouble?.(call, error);
    }
    return undefined;
  }
}

/** Auth has no such call, unlike one that did not find what it was asked for. */
function isUnknownCall({ status, body }: { readonly status: number; readonly body: unknown }): boolean {
  return (
    status === 404 && Check(Refusal, body) && body.message.startsWith('there is no POST here by that name')
  );
}

/** Waits for those that are not there yet; nothing is awaited when all are. */
async function gather<T>(answers: readonly (T | Promise<T>)[]): Promise<T[]> {
  const all: T[] = [];
  for (const answer of answers) all.push(answer instanceof Promise ? await answer : answer);
  return all;
}

type Life = (positive: number, negative: number) => number;
const RESOLUTION_LIFE: Readonly<Record<Resolution['status'], Life>> = {
  mailbox: (positive) => positive,
  alias: (positive) => positive,
  'not-ours': (_, negative) => negative,
  unknown: (_, negative) => negative,
  'try-later': () => 0,
};
