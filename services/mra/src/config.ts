/** The settings of mra: its own and those of what it is made of. */
import Type from 'typebox';
import { AuthClientSettings, SaslSettings } from '@waybill/auth-client';
import { ListenerSettings, TlsSettings } from '@waybill/listener';
import { PostgresSettings } from '@waybill/postgres';

const port = (standard: number, description: string) =>
  Type.Integer({ default: standard, minimum: 0, maximum: 65_535, description });

export const MraSettings = {
  ...ListenerSettings,
  ...TlsSettings,
  ...AuthClientSettings,
  ...SaslSettings,
  ...PostgresSettings,
  WAYBILL_LISTEN_HOST: Type.String({ default: '', description: 'Address to listen on; empty: all' }),
  WAYBILL_IMAP_PORT: port(2143, 'IMAP with STARTTLS'),
  WAYBILL_IMAPS_PORT: port(2993, 'IMAP with TLS from the first octet'),
  WAYBILL_POP3_PORT: port(2110, 'POP3 with STLS'),
  WAYBILL_POP3S_PORT: port(2995, 'POP3 with TLS from the first octet'),
  WAYBILL_MAX_MESSAGE_BYTES: Type.Integer({
    default: 50 * 1024 * 1024,
    minimum: 1024,
    description: 'Largest message that APPEND takes, in octets',
  }),
  WAYBILL_SESSIONS_PER_ACCOUNT: Type.Integer({
    default: 20,
    minimum: 1,
    description: 'Sessions of one account from one client address on this replica, open at a time',
  }),
  WAYBILL_MAILBOX_CACHE_BYTES: Type.Integer({
    default: 64 * 1024 * 1024,
    minimum: 0,
    description: 'Memory for mailboxes that nobody has selected now, in octets',
  }),
  WAYBILL_SUMMARY_CACHE_BYTES: Type.Integer({
    default: 64 * 1024 * 1024,
    minimum: 0,
    description: 'Memory for prepared ENVELOPEs and BODYSTRUCTUREs, in octets',
  }),
  WAYBILL_LARGE_MESSAGE_CACHE_BYTES: Type.Integer({
    default: 64 * 1024 * 1024,
    minimum: 0,
    description: 'Memory for large messages that clients read piece by piece, in octets',
  }),
  WAYBILL_AUTOLOGOUT_SECONDS: Type.Integer({
    default: 1800,
    minimum: 1,
    description: 'IMAP: silence after which a session ends; RFC 3501 wants 30 minutes at least',
  }),
  WAYBILL_REDIS_URL: Type.Optional(
    Type.String({
      description: 'Redis that wakes idle readers; without it Postgres notifications do',
      secret: true,
    }),
  ),
};
