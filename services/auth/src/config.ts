import { PostgresSettings } from '@waybill/postgres';
import Type from 'typebox';
import { ForeignSettings } from './foreign/settings.ts';

function sendLimit(value: number, what: string): Type.TInteger {
  return Type.Integer({
    default: value,
    minimum: 0,
    maximum: 1_000_000_000,
    description: `${what} unless it has a limit of its own; 0: unlimited`,
  });
}

/** The settings of auth. */
export const AuthSettings = {
  ...PostgresSettings,
  ...ForeignSettings,
  WAYBILL_LISTEN_HOST: Type.String({ default: '0.0.0.0', description: 'Address that auth listens on' }),
  WAYBILL_AUTH_PORT: Type.Integer({
    default: 2100,
    minimum: 0,
    maximum: 65_535,
    description: 'Port of auth: HTTP over TLS, certificates of both sides',
  }),
  WAYBILL_TLS_CA_FILE: Type.String({
    description: 'PEM file of the private authority that signs the certificates of the inner doors',
  }),
  WAYBILL_TLS_CERT_FILE: Type.String({
    description: 'PEM file of the certificate of auth; the first DNS name in it is auth',
  }),
  WAYBILL_TLS_KEY_FILE: Type.String({ description: 'PEM file of that certificate’s key' }),
  WAYBILL_SUBADDRESS_DELIMITER: Type.String({
    default: '+',
    pattern: '^([^A-Za-z0-9@]|none)$',
    description: 'The character between user and tag in user+tag@domain; none: tags are not known',
  }),
  WAYBILL_POSTMASTER: Type.Optional(
    Type.String({
      maxLength: 320,
      description:
        'Address that gets mail for postmaster where no such address exists; without it the oldest account of the domain does',
    }),
  ),
  WAYBILL_QUOTA_BYTES: Type.Integer({
    default: 0,
    minimum: 0,
    description: 'Octets that an account may store when it has no quota of its own; 0: unlimited',
  }),
  WAYBILL_QUOTA_MESSAGES: Type.Integer({
    default: 0,
    minimum: 0,
    description: 'Messages that an account may store when it has no quota of its own; 0: unlimited',
  }),
  WAYBILL_HASH_PARALLEL: Type.Integer({
    default: 2,
    minimum: 1,
    maximum: 64,
    description: 'Passwords hashed at a time; each takes 19 MiB and tens of milliseconds of a core',
  }),
  WAYBILL_HASH_WAIT_MS: Type.Integer({
    // Clients take "try later" for a wrong password and ask their user: many that start together should all get in.
    default: 4000,
    minimum: 0,
    maximum: 30_000,
    description:
      'Milliseconds that a login may be expected to wait for hashing; beyond, it is told to try later',
  }),
  WAYBILL_LOGIN_CACHE_SECONDS: Type.Integer({
    default: 60,
    minimum: 0,
    maximum: 3600,
    description: 'Seconds for which a right password is not hashed again; 0: always hashed',
  }),
  WAYBILL_LOGIN_BEAT_MS: Type.Integer({
    default: 250,
    minimum: 0,
    maximum: 2000,
    description:
      'Milliseconds: a refused login is answered at the next multiple of these since it came, so that its moment says nothing; 0: at once',
  }),
  WAYBILL_SCRAM_ITERATIONS: Type.Integer({
    // Above the floor of RFC 7677 §4, since whoever steals the keys guesses at this price and not at argon2id's.
    default: 16_384,
    minimum: 4096,
    maximum: 1_000_000,
    description:
      'Iterations of SCRAM keys; each client makes as many at each login. Keys of other counts are made anew at the next login in clear',
  }),
  WAYBILL_OAUTH_ISSUER: Type.Optional(
    Type.String({
      description: 'Issuer of the tokens that OAUTHBEARER and XOAUTH2 take; without it they take none',
    }),
  ),
  WAYBILL_OAUTH_AUDIENCE: Type.Optional(
    Type.String({ description: 'The audience that a token must be meant for' }),
  ),
  WAYBILL_OAUTH_JWKS_URL: Type.Optional(
    Type.String({ description: 'Where the issuer’s keys are: https://…, or file:///…' }),
  ),
  WAYBILL_OAUTH_CLAIM: Type.String({
    default: 'email',
    description: 'The claim of a token that holds the address of its account',
  }),
  WAYBILL_SEND_MESSAGES_HOUR: sendLimit(500, 'Messages that an account may send in an hour'),
  WAYBILL_SEND_MESSAGES_DAY: sendLimit(2000, 'Messages that an account may send in a day'),
  WAYBILL_SEND_RECIPIENTS_HOUR: sendLimit(1500, 'Recipients that an account may send to in an hour'),
  WAYBILL_SEND_RECIPIENTS_DAY: sendLimit(3000, 'Recipients that an account may send to in a day'),
  WAYBILL_SEND_HOLD_AFTER: Type.Integer({
    default: 100,
    minimum: 0,
    description:
      'Messages beyond a limit, within an hour, after which an account is held until waybill user release; 0: never',
  }),
  WAYBILL_BAN_FAILURES: Type.Integer({
    default: 50,
    minimum: 0,
    description:
      'Different failed logins of one client address in about a day after which it is banned; 0: never. Private addresses never are',
  }),
  WAYBILL_BAN_SECONDS: Type.Integer({
    default: 3600,
    minimum: 1,
    maximum: 604_800,
    description:
      'Seconds that the first ban of an address lasts; each further one twice as long, a week at most',
  }),
  WAYBILL_BAN_NEVER: Type.String({
    default: '',
    description: 'Networks that auth never bans by itself, in CIDR notation, with commas',
  }),
  WAYBILL_CLIENT_FAILURES: Type.Integer({
    default: 100,
    minimum: 0,
    description:
      'Failed logins of one client address after which it is told to try later (one fades every 30 s); 0: never, for when a proxy hides the addresses',
  }),
};
