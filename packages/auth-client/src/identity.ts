import Type from 'typebox';
import { Ban, DomainPolicy } from './contract.ts';

/**
 * What the operator says about who may come and send: app passwords, sender rights, limits and holds,
 * bans, and what becomes of doubtful mail to a domain. Part of the calls of the directory.
 */
const Name = Type.String({ minLength: 1, maxLength: 320 });
const Label = Type.String({ minLength: 1, maxLength: 64, description: 'names one credential of an account' });

/** What an app password is good for. */
export const SCOPES = ['smtp', 'imap', 'pop3'] as const;
export const Scope = Type.Union([Type.Literal('smtp'), Type.Literal('imap'), Type.Literal('pop3')]);

export const AppPassword = Type.Object({
  label: Type.String(),
  scopes: Type.Array(Scope),
  createdAt: Type.String(),
  /** To the minute; left out: never. */
  lastUsedAt: Type.Optional(Type.String()),
});

/** 0: unlimited. Null: as the service is configured. */
const Limit = Type.Optional(Type.Union([Type.Null(), Type.Integer({ minimum: 0, maximum: 1_000_000_000 })]));
export const SendLimits = Type.Object({
  messagesPerHour: Limit,
  messagesPerDay: Limit,
  recipientsPerHour: Limit,
  recipientsPerDay: Limit,
});

const PolicyWord = Type.Union([
  Type.Literal('reject'),
  Type.Literal('junk'),
  Type.Literal('accept'),
  Type.Literal('default'),
]);

export const IDENTITY_CALLS = {
  /** The password is in the answer and nowhere else: it is kept as a digest. */
  'app-passwords/add': {
    request: Type.Object({
      address: Name,
      label: Label,
      scopes: Type.Array(Scope, { minItems: 1, maxItems: 3 }),
    }),
    response: Type.Object({ ...AppPassword.properties, password: Type.String() }),
  },
  'app-passwords/list': {
    request: Type.Object({ address: Name }),
    response: Type.Object({ appPasswords: Type.Array(AppPassword) }),
  },
  'app-passwords/remove': {
    request: Type.Object({ address: Name, label: Label }),
    response: Type.Object({}),
  },
  /** `sender` is an address, or `@domain` for all of a domain. */
  'grants/add': {
    request: Type.Object({ address: Name, sender: Name }),
    response: Type.Object({ address: Type.String(), sender: Type.String() }),
  },
  'grants/list': {
    request: Type.Object({ address: Name }),
    response: Type.Object({ senders: Type.Array(Type.String()) }),
  },
  'grants/remove': { request: Type.Object({ address: Name, sender: Name }), response: Type.Object({}) },
  /** A held account gets mail and logs in, but sends nothing. */
  'accounts/hold': {
    request: Type.Object({ address: Name, reason: Type.String({ minLength: 1, maxLength: 200 }) }),
    response: Type.Object({ address: Type.String(), held: Type.String() }),
  },
  'accounts/release': { request: Type.Object({ address: Name }), response: Type.Object({}) },
  /** What is left out stays as it is. */
  'accounts/set-limits': {
    request: Type.Object({ address: Name, ...SendLimits.properties }),
    response: SendLimits,
  },
  'bans/list': { request: Type.Object({}), response: Type.Object({ bans: Type.Array(Ban) }) },
  'bans/add': {
    request: Type.Object({
      network: Type.String({ minLength: 1, maxLength: 64, description: 'an address or a CIDR network' }),
      reason: Type.String({ minLength: 1, maxLength: 200 }),
      seconds: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 3_153_600_000, description: 'left out: for good' }),
      ),
    }),
    response: Ban,
  },
  'bans/remove': {
    request: Type.Object({ network: Type.String({ minLength: 1, maxLength: 64 }) }),
    response: Type.Object({}),
  },
  /** What is left out stays as it is; `default`: as mx is configured. */
  'domains/set-policy': {
    request: Type.Object({
      name: Name,
      onReject: Type.Optional(PolicyWord),
      onQuarantine: Type.Optional(PolicyWord),
    }),
    response: Type.Object({ name: Type.String(), policy: DomainPolicy }),
  },
} as const;

export type AppPassword = Type.Static<typeof AppPassword>;
export type Scope = Type.Static<typeof Scope>;
export type SendLimits = Type.Static<typeof SendLimits>;
