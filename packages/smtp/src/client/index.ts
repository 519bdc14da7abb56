/** SMTP and LMTP spoken by us: connections whose every reply is a value, and pools that keep them. */
export { type Address, AddressList } from './address-list.ts';
export type { Capabilities } from './capabilities.ts';
export type { Recipient, Transaction } from './commands.ts';
export { SmtpConnection } from './connection.ts';
export {
  decide,
  type Handed,
  type HandedMessage,
  Handoff,
  type HandoffOptions,
  type HopPeer,
  tellsOfTheFirst,
} from './handoff.ts';
export { IdlePool } from './idle-pool.ts';
export { LmtpPool, type LmtpPoolOptions, type PoolAnswer } from './lmtp-pool.ts';
export { HOP_TIMEOUTS, hopAddresses, hopSecurity, type NextHop, parseNextHop } from './next-hop.ts';
export {
  DEFAULT_TIMEOUTS,
  type OpenOptions,
  type OpenResult,
  type Timeouts,
  type TlsCredentials,
} from './open.ts';
export { type OpenFailure, type Phase, type RecipientOutcome, refusesUs } from './outcome.ts';
export { settle } from './settle.ts';
