/** The settings of mx: its own and those of what it is made of. */
import type { Static, TObject } from 'typebox';
import Type from 'typebox';
import { AuthClientSettings } from '@waybill/auth-client';
import { custodySettings } from '@waybill/custody';
import type { DaemonSettings } from '@waybill/daemon';
import { ListenerSettings, TlsSettings } from '@waybill/listener';
import { PostgresSettings } from '@waybill/postgres';
import { VerdictSettings } from './verdict-settings.ts';

export const MxSettings = {
  ...ListenerSettings,
  ...TlsSettings,
  ...AuthClientSettings,
  ...PostgresSettings,
  ...custodySettings('mx'),
  WAYBILL_LISTEN_HOST: Type.String({ default: '', description: 'Address to listen on; empty: all' }),
  WAYBILL_MX_PORT: Type.Integer({
    default: 2525,
    minimum: 0,
    maximum: 65535,
    description: 'SMTP from strangers, with STARTTLS where there is a certificate',
  }),
  WAYBILL_REDIS_URL: Type.Optional(
    Type.String({
      description: 'Redis that carries the kicks to mta; without it the queue lies in Postgres',
      secret: true,
    }),
  ),
  WAYBILL_MAX_MESSAGE_BYTES: Type.Integer({
    default: 51 * 1024 * 1024,
    minimum: 65_536, // RFC 5321 §4.5.3.1.7
    description: 'Largest message taken, in octets; more than msa takes, less than mda',
  }),
  WAYBILL_MAX_RECIPIENTS: Type.Integer({
    default: 1000,
    minimum: 100, // RFC 5321 §4.5.3.1.8
    description: 'Recipients of one message; more are told to come with the next one',
  }),
  WAYBILL_BODIES_IN_FLIGHT_BYTES: Type.Integer({
    default: 256 * 1024 * 1024,
    minimum: 65_536,
    description: 'Octets of messages that come in at a time; beyond that clients are told to try later',
  }),
  WAYBILL_INLINE_BYTES: Type.Integer({
    default: 32 * 1024,
    minimum: 0,
    maximum: 1024 * 1024,
    description: 'Messages up to this many octets lie in the spool’s row, larger ones in the blobstore',
  }),
  WAYBILL_MAIL_EXPIRY_SECONDS: Type.Integer({
    default: 5 * 86_400,
    minimum: 1,
    description: 'How long delivery of what is accepted here is tried',
  }),
  WAYBILL_BARE_LINE_ENDS: Type.Union([Type.Literal('refuse'), Type.Literal('normalise')], {
    default: 'refuse',
    description:
      'A lone CR or LF in a message: refuse (550 5.6.11), or normalise to CRLF, which breaks the signatures of such mail; neither ever ends a message',
  }),
  WAYBILL_DNS_SERVERS: Type.String({
    default: '',
    description:
      'Recursive DNS servers, addresses or names, with or without :port, with commas; empty: those of the system',
  }),
  ...VerdictSettings,
  WAYBILL_TRANSCRIPTS: Type.Union([Type.Literal('off'), Type.Literal('failures'), Type.Literal('all')], {
    default: 'failures',
    description: 'Which conversations are kept with the journey: off, failures or all',
  }),
};

export type MxConfig = Static<TObject<typeof MxSettings & typeof DaemonSettings>>;
