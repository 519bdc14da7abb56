/** The contract of auth and the client that asks by it: who is this, is this address ours, may this account say so? */
export { type BanInForce, type BanWatch, watchBans } from './ban-watch.ts';
export { AuthClient, type AuthClientOptions } from './client.ts';
export type { Credentials } from './connections.ts';
export * from './contract.ts';
export * from './directory.ts';
export { AppPassword, IDENTITY_CALLS, Scope, SCOPES, SendLimits } from './identity.ts';
export { DirectoryClient, DirectoryError } from './directory-client.ts';
export { readMechanisms, SaslSettings, takesPasswords } from './mechanisms.ts';
export {
  formatNetwork,
  type IpAddress,
  type IpNetwork,
  NetworkTable,
  networkAround,
  parseIp,
  parseNetwork,
} from './network.ts';
export { type HostPort, type LookUp, parseHostList, type Place, Places } from './host-list.ts';
export {
  type AuthClientConfig,
  AuthClientSchema,
  AuthClientSettings,
  openAuthClient,
  openDirectoryClient,
  readCredentials,
} from './settings.ts';
