import { PostgresSettings } from '@waybill/postgres';
import Type from 'typebox';

/** The settings of auth. */
export const AuthSettings = {
  ...PostgresSettings,
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
  WAYBILL_CLIENT_FAILURES: Type.Integer({
    default: 100,
    minimum: 0,
    description:
      'Failed logins of one client address after which it is told to try later (one fades every 30 s); 0: never, for when a proxy hides the addresses',
  }),
};
