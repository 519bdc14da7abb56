import Type from 'typebox';

/** The agents that may call auth, and what the operator's tool calls itself. */
export const AGENTS = ['msa', 'mx', 'mta', 'mda', 'mra', 'operator'] as const;
export type Agent = (typeof AGENTS)[number];

/** POST /v1/authenticate (msa, mra). */
export const AuthenticateRequest = Type.Object({
  username: Type.String({ maxLength: 320, description: 'the login name: an address of the account' }),
  password: Type.String({ maxLength: 1024 }),
  /** Client address, for throttling. */
  client: Type.String({ maxLength: 64 }),
  protocol: Type.Union([Type.Literal('smtp'), Type.Literal('imap'), Type.Literal('pop3')]),
});
export const Account = Type.Object({
  accountId: Type.String(),
  /** The account's primary address. */
  address: Type.String(),
  quotaBytes: Type.Number(),
  quotaMessages: Type.Number(),
});
export const AuthenticateResponse = Type.Union([
  Type.Object({ status: Type.Literal('ok'), account: Account }),
  Type.Object({ status: Type.Literal('denied') }),
  /** The hashing queue is full or the directory is away: answer 454 4.7.0 or NO [UNAVAILABLE]. */
  Type.Object({ status: Type.Literal('try-later') }),
]);

/** Where mail for an address goes. */
export const Target = Type.Object({
  address: Type.String(),
  /** Present for a mailbox of ours. */
  account: Type.Optional(Account),
});
/** POST /v1/resolve (msa, mx, mda): is this address ours, and what does it stand for? */
export const ResolveRequest = Type.Object({
  addresses: Type.Array(Type.String({ maxLength: 320 }), { maxItems: 1000 }),
});
export const Resolution = Type.Union([
  /** A mailbox of ours (sub-addressing removed). `route` is the domain's. */
  Type.Object({ status: Type.Literal('mailbox'), account: Account, route: Type.String() }),
  /** An alias: every final target, local ones with their account, remote ones without. */
  Type.Object({ status: Type.Literal('alias'), targets: Type.Array(Target), route: Type.String() }),
  /** The domain is not in the directory. */
  Type.Object({ status: Type.Literal('not-ours') }),
  /** The domain is ours, the address is not known. */
  Type.Object({ status: Type.Literal('unknown') }),
  Type.Object({ status: Type.Literal('try-later') }),
]);
export const ResolveResponse = Type.Object({ results: Type.Array(Resolution) });

/** POST /v1/route (mta): how mail for a domain travels. */
export const RouteRequest = Type.Object({ domain: Type.String({ maxLength: 255 }) });
export const RouteResponse = Type.Object({
  /** False: not in the directory, route is then 'mx'. */
  ours: Type.Boolean(),
  /** 'local' (LMTP to mda), 'mx' (DNS), or 'lmtp://host:port'. */
  route: Type.String(),
});

/** POST /v1/may-send (msa): may this account use this address as a sender? */
export const MaySendRequest = Type.Object({
  accountId: Type.String(),
  addresses: Type.Array(Type.String({ maxLength: 320 }), { maxItems: 100 }),
});
export const MaySendResponse = Type.Object({ allowed: Type.Array(Type.Boolean()) });

/** What a refused or failed call carries beside its HTTP status. */
export const Refusal = Type.Object({
  /** A stable word: `not-found`, `exists`, `in-use`, `invalid`, `not-permitted`, `unavailable`, `busy`. */
  error: Type.String(),
  /** For people. */
  message: Type.String(),
});

export type AuthenticateRequest = Type.Static<typeof AuthenticateRequest>;
export type AuthenticateResponse = Type.Static<typeof AuthenticateResponse>;
export type Account = Type.Static<typeof Account>;
export type Target = Type.Static<typeof Target>;
export type Resolution = Type.Static<typeof Resolution>;
export type ResolveRequest = Type.Static<typeof ResolveRequest>;
export type ResolveResponse = Type.Static<typeof ResolveResponse>;
export type RouteRequest = Type.Static<typeof RouteRequest>;
export type RouteResponse = Type.Static<typeof RouteResponse>;
export type MaySendRequest = Type.Static<typeof MaySendRequest>;
export type MaySendResponse = Type.Static<typeof MaySendResponse>;
export type Refusal = Type.Static<typeof Refusal>;

/** No answer could be had: auth is away, overloaded or too slow. Answer 4xx or NO [UNAVAILABLE], never more. */
export const TRY_LATER = Object.freeze({ status: 'try-later' as const });
export type TryLater = typeof TRY_LATER;

/** Whether a look-up got no answer. */
export function isTryLater(answer: object): answer is TryLater {
  return (answer as { status?: unknown }).status === 'try-later';
}

/**
 * What agents ask of auth. None of these rejects: trouble of any kind is the value `try-later`.
 * Answers may come from a cache and are shared: read them, never change them.
 */
export interface Auth {
  /** Never cached on this side. `password` of more than 1,024 octets is denied without asking. */
  authenticate(request: AuthenticateRequest): Promise<AuthenticateResponse>;
  /** One answer per address, in order. Any number of addresses. */
  resolve(addresses: readonly string[]): Promise<readonly Resolution[]>;
  resolveOne(address: string): Promise<Resolution>;
  route(domain: string): Promise<RouteResponse | TryLater>;
  /** One answer per address, in order. */
  maySend(accountId: string, addresses: readonly string[]): Promise<readonly boolean[] | TryLater>;
}
