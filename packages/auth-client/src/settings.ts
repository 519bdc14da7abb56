import fs from 'node:fs';
import tls from 'node:tls';
import Type, { type Static, type TObject } from 'typebox';
import { AuthClient, type AuthClientOptions } from './client.ts';
import type { Credentials } from './connections.ts';
import { DirectoryClient } from './directory-client.ts';

/** Settings of everything that asks auth. */
export const AuthClientSettings = {
  WAYBILL_AUTH: Type.String({
    default: 'auth:2100',
    description:
      'Where auth listens: host:port, or several with commas; every name is resolved again every 5 s',
  }),
  WAYBILL_AUTH_CA_FILE: Type.String({
    description: 'PEM file of the private authority that signs the certificates of the inner doors',
  }),
  WAYBILL_AGENT_CERT_FILE: Type.String({
    description: 'PEM file of this agent’s certificate; the first DNS name in it says which agent it is',
  }),
  WAYBILL_AGENT_KEY_FILE: Type.String({ description: 'PEM file of that certificate’s key' }),
  WAYBILL_AUTH_DEADLINE_MS: Type.Integer({
    default: 2000,
    minimum: 10,
    maximum: 60_000,
    description:
      'Milliseconds that auth may take to answer, a login 5000 at least; then the answer is "try later"',
  }),
  WAYBILL_AUTH_PATIENCE_MS: Type.Integer({
    default: 20_000,
    minimum: 0,
    maximum: 120_000,
    description:
      'Milliseconds for which an auth that cannot be reached is waited for: its restart costs no refusal',
  }),
  WAYBILL_AUTH_CACHE_MS: Type.Integer({
    default: 10_000,
    minimum: 0,
    maximum: 600_000,
    description: 'Milliseconds for which a known address is not asked for again (unknown ones: at most 5000)',
  }),
};
/** The same as one schema, for programs that have no other settings. */
export const AuthClientSchema = Type.Object(AuthClientSettings);
export type AuthClientConfig = Static<TObject<typeof AuthClientSettings>>;

/**
 * The certificate files that the settings name. @throws Error that names the setting and the file, also where the
 * certificate and the key do not belong together: they may be exchanged one after the other
 */
export function readCredentials(config: AuthClientConfig): Credentials {
  const read = (
    name: 'WAYBILL_AUTH_CA_FILE' | 'WAYBILL_AGENT_CERT_FILE' | 'WAYBILL_AGENT_KEY_FILE',
  ): string => {
    try {
      return fs.readFileSync(config[name], 'utf8');
    } catch (cause) {
      throw new Error(
        `${name}: cannot read ${config[name]} (${(cause as NodeJS.ErrnoException).code ?? 'error'})`,
        { cause },
      );
    }
  };
  const credentials = {
    ca: read('WAYBILL_AUTH_CA_FILE'),
    cert: read('WAYBILL_AGENT_CERT_FILE'),
    key: read('WAYBILL_AGENT_KEY_FILE'),
  };
  try {
    tls.createSecureContext(credentials);
  } catch (cause) {
    throw new Error(
      `WAYBILL_AGENT_CERT_FILE (${config.WAYBILL_AGENT_CERT_FILE}) and WAYBILL_AGENT_KEY_FILE ` +
        `(${config.WAYBILL_AGENT_KEY_FILE}) do not fit: ${(cause as Error).message}`,
      { cause },
    );
  }
  return credentials;
}

/**
 * A client made from the settings. On SIGHUP call `client.renew(readCredentials(config))`.
 * @throws Error when a file cannot be read or the list of addresses is malformed
 */
export function openAuthClient(
  config: AuthClientConfig,
  options: Partial<AuthClientOptions> = {},
): AuthClient {
  return new AuthClient({
    addresses: config.WAYBILL_AUTH,
    deadlineMs: config.WAYBILL_AUTH_DEADLINE_MS,
    patienceMs: config.WAYBILL_AUTH_PATIENCE_MS,
    positiveMs: config.WAYBILL_AUTH_CACHE_MS,
    ...readCredentials(config),
    ...options,
  });
}

/** An operator's client made from the same settings, with an operator's certificate. @throws as openAuthClient */
export function openDirectoryClient(config: AuthClientConfig): DirectoryClient {
  return new DirectoryClient({ addresses: config.WAYBILL_AUTH, ...readCredentials(config) });
}
