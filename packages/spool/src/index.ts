/** The spool: who owns a message between its 250 and its last delivery. */
export { type AcceptOptions, CommitUnknownError, openSpoolAccept } from './accept.ts';
export * from './contract.ts';
export { handOverId, newSpoolId, targetDeliveryId } from './ids.ts';
export type { Expiry } from './insert.ts';
export {
  migrateKicks,
  openKicker,
  startKickWorker,
  type KickFigures,
  type KickWhere,
  type KickWorkerOptions,
} from './kick.ts';
export { RecipientList } from './recipient-list.ts';
export { spoolSchema } from './schema.ts';
export { openSpoolUpkeep, type UpkeepOptions } from './upkeep.ts';
export { openSpoolWork, type WorkOptions } from './work.ts';
