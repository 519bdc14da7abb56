/** The settings of mda: its own and those of what it is made of. */
import type { Static, TObject } from 'typebox';
import Type from 'typebox';
import { AuthClientSettings } from '@waybill/auth-client';
import type { DaemonSettings } from '@waybill/daemon';
import { ListenerSettings, TlsSettings } from '@waybill/listener';
import { PostgresSettings } from '@waybill/postgres';

export const MdaSettings = {
  ...ListenerSettings,
  ...TlsSettings,
  ...AuthClientSettings,
  ...PostgresSettings,
  WAYBILL_LISTEN_HOST: Type.String({ default: '', description: 'Address to listen on; empty: all' }),
  WAYBILL_LMTP_PORT: Type.Integer({
    default: 2424,
    minimum: 0,
    maximum: 65535,
    description: 'LMTP with STARTTLS',
  }),
  WAYBILL_LMTP_NETWORKS: Type.String({
    default: '',
    description:
      'Networks (CIDR, comma-separated) from which a foreign MTA without an agent certificate may deliver; none by default',
  }),
  WAYBILL_MAX_MESSAGE_BYTES: Type.Integer({
    default: 64 * 1024 * 1024,
    minimum: 1024,
    description: 'Largest message taken, in octets; more than msa and mx take, for every hop adds fields',
  }),
  WAYBILL_INLINE_BYTES: Type.Integer({
    default: 32 * 1024,
    minimum: 0,
    maximum: 1024 * 1024,
    description: 'Bodies up to this many octets lie in the message row, larger ones in the blobstore',
  }),
  WAYBILL_REDIS_URL: Type.Optional(
    Type.String({
      description: 'Redis that wakes readers after a delivery; without it Postgres notifications do',
      secret: true,
    }),
  ),
  WAYBILL_SWEEP_SECONDS: Type.Integer({
    default: 300,
    minimum: 1,
    description: 'About how long between two sweeps of the store and the blobstore',
  }),
  WAYBILL_BLOB_GRACE_SECONDS: Type.Integer({
    default: 86_400,
    minimum: 1,
    description: 'How long a body that nothing refers to is kept; longer than any delivery takes',
  }),
};

export type MdaConfig = Static<TObject<typeof MdaSettings & typeof DaemonSettings>>;
