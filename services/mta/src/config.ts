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
        'Smart host for all mail to strangers: smtp://user:password@host:587 (STARTTLS) or smtps://…:465; empty: their own mail hosts',
      secret: true,
    }),
  ),
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
