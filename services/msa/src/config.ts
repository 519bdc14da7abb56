/** The settings of msa: its own and those of what it is made of. */
import type { Static, TObject } from 'typebox';
import Type from 'typebox';
import { AuthClientSettings, SaslSettings } from '@waybill/auth-client';
import { custodySettings } from '@waybill/custody';
import type { DaemonSettings } from '@waybill/daemon';
import { ListenerSettings, TlsSettings } from '@waybill/listener';
import { PostgresSettings } from '@waybill/postgres';

export const MsaSettings = {
  ...ListenerSettings,
  ...TlsSettings,
  ...AuthClientSettings,
  ...SaslSettings,
  ...PostgresSettings,
  ...custodySettings('msa'),
  WAYBILL_LISTEN_HOST: Type.String({ default: '', description: 'Address to listen on; empty: all' }),
  WAYBILL_MSA_PORT: Type.Integer({
    default: 2587,
    minimum: 0,
    maximum: 65535,
    description: 'Submission with STARTTLS',
  }),
  WAYBILL_MSA_TLS_PORT: Type.Integer({
    default: 2465,
    minimum: 0,
    maximum: 65535,
    description: 'Submission with TLS from the first octet',
  }),
  WAYBILL_REDIS_URL: Type.Optional(
    Type.String({
      description: 'Redis that carries the kicks to mta; without it the queue lies in Postgres',
      secret: true,
    }),
  ),
  WAYBILL_MAX_MESSAGE_BYTES: Type.Integer({
    default: 50 * 1024 * 1024,
    minimum: 65_536, // RFC 5321 §4.5.3.1.7
    description: 'Largest message taken, in octets',
  }),
  WAYBILL_MAX_RECIPIENTS: Type.Integer({
    default: 500,
    minimum: 100, // RFC 5321 §4.5.3.1.8
    description: 'Recipients of one message',
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
  WAYBILL_TRANSCRIPTS: Type.Union([Type.Literal('off'), Type.Literal('failures'), Type.Literal('all')], {
    default: 'failures',
    description: 'Which conversations are kept with the journey, without secrets: off, failures or all',
  }),
};

export type MsaConfig = Static<TObject<typeof MsaSettings & typeof DaemonSettings>>;
