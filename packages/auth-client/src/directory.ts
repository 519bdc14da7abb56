import Type from 'typebox';
import { DomainPolicy } from './contract.ts';
import { IDENTITY_CALLS } from './identity.ts';

/**
 * The operator's half of the contract: domains, accounts, aliases and credentials. Every call is
 * `POST /v1/<noun>/<verb>`; faults are a `Refusal` with 400, 404 or 409.
 */
const Name = Type.String({ minLength: 1, maxLength: 320 });
/** At most 1,024 octets. */
const NewPassword = Type.String({ minLength: 1, maxLength: 1024 });
/** `{SCHEME}…` as another server kept it; which schemes: services/auth/README.md. */
const PasswordHash = Type.String({ minLength: 1, maxLength: 1024 });
const Label = Type.String({ minLength: 1, maxLength: 64, description: 'names one credential of an account' });
const Quota = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: '0: unlimited' });
const Cursor = Type.Optional(Type.String({ maxLength: 700, description: 'the `next` of the page before' }));

export const Domain = Type.Object({
  /** A-label form, lower case. */
  name: Type.String(),
  /** 'local' (filed by our mda), 'mx' (sent to the domain's MX), or 'lmtp://host:port' (another MDA). */
  route: Type.String(),
  /** 'listed': only addresses of the directory exist; 'any': whoever the route leads to decides. */
  recipients: Type.Union([Type.Literal('listed'), Type.Literal('any')]),
  /** What mx does with forged or doubtful mail to it, where that differs from how mx is configured. */
  policy: Type.Optional(DomainPolicy),
});
export const DirectoryAccount = Type.Object({
  accountId: Type.String(),
  address: Type.String(),
  /** A suspended account gets mail but can neither log in nor send. */
  state: Type.Union([Type.Literal('active'), Type.Literal('suspended')]),
  quotaBytes: Type.Number(),
  quotaMessages: Type.Number(),
  /** Why it may not send; left out: it may. */
  held: Type.Optional(Type.String()),
});

/** A DKIM key of a domain, public half: only an active one signs; all but retired ones are to be published. Times are ISO 8601. */
export const DkimKey = Type.Object({
  selector: Type.String(),
  algorithm: Type.Union([Type.Literal('rsa-sha256'), Type.Literal('ed25519-sha256')]),
  /**
   * pending: waits until its record is seen in DNS; active: signs; retiring: signs no more, but mail under way
   * still needs its record; retired: the record may be taken out.
   */
  state: Type.Union([
    Type.Literal('pending'),
    Type.Literal('active'),
    Type.Literal('retiring'),
    Type.Literal('retired'),
  ]),
  /** Where the record stands: `<selector>._domainkey.<domain>`. */
  name: Type.String(),
  /** The whole text of the TXT record: `v=DKIM1; k=…; p=…`, longer than 255 octets for RSA. */
  record: Type.String(),
  madeAt: Type.String(),
  /** Pending: since when the right record is in DNS; left out while it is not. */
  seenAt: Type.Optional(Type.String()),
  activatedAt: Type.Optional(Type.String()),
  retiringAt: Type.Optional(Type.String()),
  retiredAt: Type.Optional(Type.String()),
});
export const Alias = Type.Object({ address: Type.String(), targets: Type.Array(Type.String()) });
export const Credential = Type.Object({
  label: Type.String(),
  version: Type.Number(),
  createdAt: Type.String(),
  /** To the minute; left out: not since this is written down. */
  lastUsedAt: Type.Optional(Type.String()),
});

/** What each call takes and gives. */
export const DIRECTORY_CALLS = {
  'domains/add': {
    request: Type.Object({
      name: Name,
      route: Type.Optional(Type.String({ maxLength: 300 })),
      recipients: Type.Optional(Domain.properties.recipients),
    }),
    response: Domain,
  },
  'domains/list': {
    request: Type.Object({ after: Cursor }),
    response: Type.Object({ domains: Type.Array(Domain), next: Type.Optional(Type.String()) }),
  },
  'domains/remove': { request: Type.Object({ name: Name }), response: Type.Object({}) },
  /** The keys that sign for a domain, newest first; a domain that had none gets its first. */
  'domains/dkim': {
    request: Type.Object({ name: Name }),
    response: Type.Object({ keys: Type.Array(DkimKey) }),
  },
  /**
   * Makes the next keys, which wait for their records in DNS; while some wait it makes no others. With `now` they
   * sign at once, whatever is published.
   */
  'domains/rotate-dkim': {
    request: Type.Object({ name: Name, now: Type.Optional(Type.Boolean()) }),
    response: Type.Object({ keys: Type.Array(DkimKey) }),
  },
  'accounts/add': {
    request: Type.Object({
      address: Name,
      /** At most one of the two. */
      password: Type.Optional(NewPassword),
      passwordHash: Type.Optional(PasswordHash),
      quotaBytes: Type.Optional(Quota),
      quotaMessages: Type.Optional(Quota),
    }),
    response: DirectoryAccount,
  },
  'accounts/list': {
    request: Type.Object({ domain: Type.Optional(Name), after: Cursor }),
    response: Type.Object({ accounts: Type.Array(DirectoryAccount), next: Type.Optional(Type.String()) }),
  },
  'accounts/set-state': {
    request: Type.Object({ address: Name, state: DirectoryAccount.properties.state }),
    response: DirectoryAccount,
  },
  'accounts/remove': { request: Type.Object({ address: Name }), response: Type.Object({}) },
  'aliases/add': {
    request: Type.Object({ address: Name, targets: Type.Array(Name, { minItems: 1, maxItems: 1000 }) }),
    response: Alias,
  },
  'aliases/list': {
    request: Type.Object({ domain: Type.Optional(Name), after: Cursor }),
    response: Type.Object({ aliases: Type.Array(Alias), next: Type.Optional(Type.String()) }),
  },
  'aliases/remove': {
    /** Without targets the whole alias goes; without its last target it goes too. */
    request: Type.Object({
      address: Name,
      targets: Type.Optional(Type.Array(Name, { minItems: 1, maxItems: 1000 })),
    }),
    response: Type.Object({}),
  },
  'credentials/list': {
    request: Type.Object({ address: Name }),
    response: Type.Object({ credentials: Type.Array(Credential) }),
  },
  /** Adds a credential, or replaces the one with this label. One of `password` and `passwordHash` is given. */
  'credentials/set': {
    request: Type.Object({
      address: Name,
      label: Label,
      password: Type.Optional(NewPassword),
      passwordHash: Type.Optional(PasswordHash),
    }),
    response: Credential,
  },
  'credentials/remove': {
    request: Type.Object({ address: Name, label: Label }),
    response: Type.Object({}),
  },
  ...IDENTITY_CALLS,
} as const;

export type DirectoryCall = keyof typeof DIRECTORY_CALLS;
export type DirectoryRequest<C extends DirectoryCall> = Type.Static<(typeof DIRECTORY_CALLS)[C]['request']>;
export type DirectoryResponse<C extends DirectoryCall> = Type.Static<(typeof DIRECTORY_CALLS)[C]['response']>;
export type Domain = Type.Static<typeof Domain>;
export type DkimKey = Type.Static<typeof DkimKey>;
export type DirectoryAccount = Type.Static<typeof DirectoryAccount>;
export type Alias = Type.Static<typeof Alias>;
export type Credential = Type.Static<typeof Credential>;

/** The label of the credential that `user passwd` sets. */
export const MAIN_LABEL = 'password';
