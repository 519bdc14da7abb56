/** A whole small mail world on loopback: the demo, the tutorial, and the bed of every journey test. */
export { type AgentName, AGENTS, type Replicas } from './agents.ts';
export { CertificateAuthority, type Issued } from '@waybill/certificates';
export { type DnsServer, startDns } from './dns-server.ts';
export { LAB_FILE, type LabFile, readLabFile } from './lab-file.ts';
export { freePort } from './free-port.ts';
export { PostgresServer, temporaryFolder } from './postgres-server.ts';
export { readSuite } from './public-suite.ts';
export { findRedis, startRedis, type RedisServer } from './redis-server.ts';
export { acceptLater, rejectAll, type ScriptedPeer, startScriptedPeer } from './scripted-peer.ts';
export {
  type HostMessage,
  type Moment,
  type Script,
  type SmtpHost,
  type SmtpHostOptions,
  startSmtpHost,
} from './smtp-host.ts';
export { ImapClient, type ImapOptions, type ImapResponse } from './imap-client.ts';
export { testDatabase, type TestDatabase } from './test-database.ts';
export { type LabUser, World, type WorldOptions } from './world.ts';
export { parseZones, type Zone } from './zone-text.ts';
export { HOSTS } from './zones.ts';
export { type PlayOptions, playTranscript } from './transcript-player.ts';
