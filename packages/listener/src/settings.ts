import Type, { type Static, type TObject } from 'typebox';
import type { ConnectionLimits } from './limits.ts';
import { Networks } from './networks.ts';
import { TlsContexts } from './tls-contexts.ts';

/** Settings of every agent that listens for mail protocols. */
export const ListenerSettings = {
  WAYBILL_PROXY_FROM: Type.String({
    default: '',
    description:
      'Networks (CIDR, comma-separated) whose connections begin with a PROXY v1 or v2 header; nobody else may send one',
  }),
  WAYBILL_MAX_CONNECTIONS: Type.Integer({
    default: 10_000,
    minimum: 1,
    description: 'Connections open at a time on one port',
  }),
  WAYBILL_MAX_PER_ADDRESS: Type.Integer({
    default: 20,
    minimum: 1,
    description: 'Connections open at a time from one IPv4 address or IPv6 /64',
  }),
  WAYBILL_UNLIMITED_ADDRESSES: Type.String({
    default: '',
    description: 'Networks (CIDR, comma-separated) that WAYBILL_MAX_PER_ADDRESS does not bind',
  }),
};

/** The certificate of a door. */
export const TlsSettings = {
  WAYBILL_TLS_CERT_FILE: Type.String({
    default: '',
    description: 'PEM file with the certificate chain shown to clients; without it there is no TLS',
  }),
  WAYBILL_TLS_KEY_FILE: Type.String({
    default: '',
    description: 'PEM file with the certificate’s private key',
  }),
  WAYBILL_TLS_CA_FILE: Type.String({
    default: '',
    description: 'PEM file with the authorities that issue client certificates of agents',
  }),
};

/** @throws Error naming the malformed network. */
export function listenerLimits(config: Static<TObject<typeof ListenerSettings>>): {
  proxyFrom: Networks;
  limits: ConnectionLimits;
} {
  return {
    proxyFrom: new Networks(config.WAYBILL_PROXY_FROM),
    limits: {
      maxConnections: config.WAYBILL_MAX_CONNECTIONS,
      maxPerAddress: config.WAYBILL_MAX_PER_ADDRESS,
      unlimited: new Networks(config.WAYBILL_UNLIMITED_ADDRESSES),
    },
  };
}

/** Undefined where no certificate is configured. @throws Error when one of the files is missing or wrong. */
export function tlsFromSettings(config: Static<TObject<typeof TlsSettings>>): TlsContexts | undefined {
  const {
    WAYBILL_TLS_CERT_FILE: certFile,
    WAYBILL_TLS_KEY_FILE: keyFile,
    WAYBILL_TLS_CA_FILE: caFile,
  } = config;
  if (certFile === '' && keyFile === '') return undefined;
  if (certFile === '' || keyFile === '')
    throw new Error('WAYBILL_TLS_CERT_FILE and WAYBILL_TLS_KEY_FILE are set together or not at all');
  return new TlsContexts({ certFile, keyFile, ...(caFile === '' ? {} : { caFile }) });
}
