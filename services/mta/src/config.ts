/** The settings of mta: its own and those of what it is made of. */
import Type from 'typebox';
import { AuthClientSettings } from '@waybill/auth-client';
import { PostgresSettings } from '@waybill/postgres';

export const MtaSettings = {
  ...AuthClientSettings,
  ...PostgresSettings,
  WAYBILL_REDIS_URL: Type.Optional(
    Type.String({
      description: 'Redis that carries the kicks; without it the queue lies in Postgres',
      secret: true,
    }),
  ),
  WAYBILL_LISTEN_HOST: Type.String({ default: '', description: 'Address to listen on; empty: all' }),
  WAYBILL_MTA_PORT: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 65535,
    description:
      'Inner SMTP door for agents of other machines (msa, mx and mta, by their certificates), usually 2526; 0: no door',
  }),
  WAYBILL_MTA_NETWORKS: Type.String({
    default: '',
    description:
      'Networks (CIDR, comma-separated) whose hosts may send mail to anybody through the inner door without a certificate; none by default',
  }),
  WAYBILL_MTA_CA_FILE: Type.String({
    default: '',
    description:
      'PEM file of the authorities of other machines’ agents: who may come to the inner door, and who a relay of ours must be; empty: WAYBILL_AUTH_CA_FILE',
  }),
  WAYBILL_MAX_CONNECTIONS: Type.Integer({
    default: 10_000,
    minimum: 1,
    description: 'Connections open at a time at the inner door',
  }),
  WAYBILL_MAX_MESSAGE_BYTES: Type.Integer({
    default: 56 * 1024 * 1024,
    minimum: 65_536, // RFC 5321 §4.5.3.1.7
    description:
      'Largest message taken at the inner door, in octets; more than msa and mx take, less than mda',
  }),
  WAYBILL_BODIES_IN_FLIGHT_BYTES: Type.Integer({
    default: 256 * 1024 * 1024,
    minimum: 65_536,
    description: 'Octets of messages that come in by the inner door at a time; beyond that: try later',
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
    description: 'How long delivery of what came in by the inner door is tried',
  }),
  WAYBILL_MDA: Type.String({
    default: 'mda:2424',
    description:
      'Where mda takes LMTP: host:port, or several with commas; every name is resolved again every 5 s',
  }),
  WAYBILL_MDA_CONNECTIONS: Type.Integer({
    default: 20,
    minimum: 1,
    maximum: 200,
    description: 'Most LMTP connections to each address of mda',
  }),
  WAYBILL_LOCAL_IN_FLIGHT: Type.Integer({
    default: 20,
    minimum: 1,
    maximum: 200,
    description: 'Recipients that one slot of local delivery has in hand at a time',
  }),
  WAYBILL_REMOTE_IN_FLIGHT: Type.Integer({
    default: 20,
    minimum: 1,
    maximum: 200,
    description:
      'Most conversations with one foreign destination; it begins with 2 and follows success and failure',
  }),
  WAYBILL_DESTINATIONS: Type.Integer({
    default: 100,
    minimum: 5,
    maximum: 2000,
    description: 'Destinations worked on at a time',
  }),
  WAYBILL_DNS_SERVERS: Type.String({
    default: '',
    description:
      'Recursive DNS servers, addresses or names, with or without :port, with commas; empty: those of the system',
  }),
  WAYBILL_RELAY_URL: Type.Optional(
    Type.String({
      description:
        'Smart host for all mail to strangers: smtp://user:password@host:587 (STARTTLS) or smtps://…:465, or other machines’ mta, smtp://host:2526?agent; empty: their own mail hosts',
      secret: true,
    }),
  ),
  WAYBILL_ALLOW_ADDRESSES: Type.String({
    default: '',
    description:
      'Networks (CIDR, comma-separated) that mail may go to although they are not of the public internet, as the mail hosts of an intranet; never loopback or link-local',
  }),
  WAYBILL_DKIM_SETTLE_SECONDS: Type.Integer({
    default: 600,
    minimum: 0,
    description:
      'How long the record of a new DKIM key must have been seen in DNS before the key signs; longer than a resolver remembers that there is none',
  }),
  WAYBILL_DKIM_RETIRE_SECONDS: Type.Integer({
    default: 7 * 86_400,
    minimum: 0,
    description:
      'How long a DKIM key that signs no more is kept and its record needed; longer than mail is under way',
  }),
  WAYBILL_DKIM_CACHE_SECONDS: Type.Integer({
    default: 45,
    minimum: 0,
    maximum: 3600,
    description: 'How long keys are used before they are read again: so late a change of them is noticed',
  }),
  WAYBILL_RETRY_SCHEDULE: Type.String({
    default: '300,600,1200,2400,3600',
    description:
      'Seconds between attempts, the last one repeated; each is stretched by up to a sixth at random',
  }),
  WAYBILL_REPORT_EXPIRY_SECONDS: Type.Integer({
    default: 86_400,
    minimum: 1,
    description: 'How long a report is tried',
  }),
  WAYBILL_REPORT_FULL_BYTES: Type.Integer({
    default: 64 * 1024,
    minimum: 0,
    maximum: 50 * 1024 * 1024,
    description: 'Messages up to this size come back whole in a report, larger ones with their header only',
  }),
  WAYBILL_LAB: Type.Boolean({
    default: false,
    description: 'This is the lab: the two settings below may be used',
  }),
  WAYBILL_LAB_ALLOW_ADDRESSES: Type.String({
    default: '',
    description: 'Lab only: ranges (CIDR) that mail may go to although they are not of the public internet',
  }),
  WAYBILL_LAB_PORT_MAP: Type.String({
    default: '',
    description: 'Lab only: address:25=port or address:25=address:port, with commas',
  }),
};
