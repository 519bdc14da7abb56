/** SMTP and LMTP spoken by us: connections whose every reply is a value, and pools that keep them. */
export { type Address, AddressList } from './address-list.ts';
export type { Capabilities } from './capabilities.ts';
export type { Recipient, Transaction } from './commands.ts';
export { SmtpConnection } from './connection.ts';
export { IdlePool } from './idle-pool.ts';
export { LmtpPool, type LmtpPoolOptions, type PoolAnswer } from './lmtp-pool.ts';
export {
  DEFAULT_TIMEOUTS,
  type OpenOptions,
  type OpenResult,
  type Timeouts,
  type TlsCredentials,
} from './open.ts';
export type { OpenFailure, Phase, RecipientOutcome } from './outcome.ts';
