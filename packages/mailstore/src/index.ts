/**
 * Mailboxes in Postgres: deliveries filed exactly once, a reader's view that is always a true
 * past of the account, a log of what changed, and a sweeper.
 */
export * from './contract.ts';
export { type DeliveryStoreOptions, openDeliveryStore } from './deliver.ts';
export { openReaderStore, type ReaderStoreOptions } from './reader.ts';
export { mailstoreSchema } from './schema.ts';
export { openSignal, type SignalOptions } from './signal.ts';
export { removeAccount, sweep, type SweepOptions } from './sweep.ts';
