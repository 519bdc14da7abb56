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

/** What mx does with forged or doubtful mail to a domain; left out: as mx is configured. */
export const DomainPolicy = Type.Object({
  /** DMARC fails and its owner says reject. */
  onReject: Type.Optional(Type.Union([Type.Literal('reject'), Type.Literal('junk'), Type.Literal('accept')])),
  /** DMARC fails and its owner says quarantine. */
  onQuarantine: Type.Optional(
    Type.Union([Type.Literal('reject'), Type.Literal('junk'), Type.Literal('accept')]),
  ),
});
export type DomainPolicy = Type.Static<typeof DomainPolicy>;

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
  Type.Object({
    status: Type.Literal('mailbox'),
    account: Account,
    route: Type.String(),
    policy: Type.Optional(DomainPolicy),
  }),
  /** An alias: every final target, local ones with their account, remote ones without. */
  Type.Object({
    status: Type.Literal('alias'),
    targets: Type.Array(Target),
    route: Type.String(),
    policy: Type.Optional(DomainPolicy),
  }),
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

/** SASL mechanisms that auth speaks by itself; a door may offer fewer. RFC 4616, 5802, 7677, 7628. */
export const SASL_MECHANISMS = ['PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'OAUTHBEARER', 'XOAUTH2'] as const;
export type SaslMechanism = (typeof SASL_MECHANISMS)[number];

/**
 * POST /v1/sasl (msa, mra): one step of an exchange. The agent only carries octets between the client
 * and auth; any replica of auth takes the next step, for what it must remember travels sealed in `state`.
 */
export const SaslRequest = Type.Object({
  mechanism: Type.Enum(SASL_MECHANISMS),
  /** The client's response in base64, '' for an empty one; left out when it sent no initial response. */
  response: Type.Optional(Type.String({ maxLength: 16_384 })),
  /** As the step before gave it; left out at the first step. Opaque, sealed, good for a minute. */
  state: Type.Optional(Type.String({ maxLength: 4096 })),
  /** Client address, for throttling and bans. */
  client: Type.String({ maxLength: 64 }),
  protocol: Type.Union([Type.Literal('smtp'), Type.Literal('imap'), Type.Literal('pop3')]),
});
export const SaslResponse = Type.Union([
  /** Say this (base64) to the client and come back with its response and `state`. */
  Type.Object({ status: Type.Literal('challenge'), challenge: Type.String(), state: Type.String() }),
  Type.Object({ status: Type.Literal('ok'), account: Account }),
  Type.Object({ status: Type.Literal('denied') }),
  /** Not base64, or not what the mechanism sends: 501 5.5.2 or BAD. */
  Type.Object({ status: Type.Literal('malformed') }),
  Type.Object({ status: Type.Literal('try-later') }),
]);

/** POST /v1/spend (msa): counts a message against the limits of its account, before it is taken. */
export const SpendRequest = Type.Object({
  accountId: Type.String({ maxLength: 20 }),
  recipients: Type.Integer({ minimum: 1, maximum: 100_000 }),
});
export const SpendResponse = Type.Union([
  Type.Object({ status: Type.Literal('ok') }),
  /** 451 4.7.1, with the limit in words ("500 messages per hour") and the seconds until there is room. */
  Type.Object({ status: Type.Literal('limited'), limit: Type.String(), retryAfter: Type.Number() }),
  /** A runaway account, held until the operator lets it go: 451 4.7.1. */
  Type.Object({ status: Type.Literal('held') }),
  Type.Object({ status: Type.Literal('try-later') }),
]);

/** POST /v1/bans (msa, mx, mra): the networks that are not to be heard. Small; asked every few seconds. */
export const Ban = Type.Object({
  /** CIDR, host bits zero. */
  network: Type.String(),
  reason: Type.String(),
  /** ISO 8601; left out: for good. */
  until: Type.Optional(Type.String()),
  /** 'operator', or the agent that found the reason. */
  by: Type.String(),
});
export const BansRequest = Type.Object({});
export const BansResponse = Type.Object({ bans: Type.Array(Ban) });

/** POST /v1/forward-sender (mta): the return path for a message that an alias sends on to the outside (SRS). */
export const ForwardSenderRequest = Type.Object({
  /** The return path as it came; never empty. */
  sender: Type.String({ maxLength: 320 }),
  /** The address of ours that forwards, where it is known: its domain signs. */
  via: Type.Optional(Type.String({ maxLength: 320 })),
});
export const ForwardSenderResponse = Type.Object({ sender: Type.String() });

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
export type SaslRequest = Type.Static<typeof SaslRequest>;
export type SaslResponse = Type.Static<typeof SaslResponse>;
export type SpendRequest = Type.Static<typeof SpendRequest>;
export type SpendResponse = Type.Static<typeof SpendResponse>;
export type Ban = Type.Static<typeof Ban>;
export type BansResponse = Type.Static<typeof BansResponse>;
export type ForwardSenderRequest = Type.Static<typeof ForwardSenderRequest>;
export type ForwardSenderResponse = Type.Static<typeof ForwardSenderResponse>;
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

/** The mechanisms with more than one step. Does not reject. */
export interface Sasl {
  sasl(request: SaslRequest): Promise<SaslResponse>;
}

/** Limits of sending. Does not reject. */
export interface Spending {
  spend(request: SpendRequest): Promise<SpendResponse>;
}

/** Who is not to be heard. Does not reject. */
export interface BanList {
  bans(): Promise<readonly Ban[] | TryLater>;
}

/** Return paths of what is forwarded outside. Does not reject. */
export interface ForwardSender {
  forwardSender(request: ForwardSenderRequest): Promise<ForwardSenderResponse | TryLater>;
}
