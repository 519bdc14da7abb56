/** A whole small mail world on loopback: the demo, the tutorial, and the bed of every journey test. */
export { CertificateAuthority, type Issued } from './certificate-authority.ts';
export { type DnsServer, startDns } from './dns-server.ts';
export { parseZones, type Zone } from './zone-text.ts';
export { freePort, PostgresServer, temporaryFolder } from './postgres-server.ts';
export { testDatabase, type TestDatabase } from './test-database.ts';
