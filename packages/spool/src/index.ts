/** The spool: who owns a message between its 250 and its last delivery. */
export { type AcceptOptions, CommitUnknownError, openSpoolAccept } from './accept.ts';
export * from './contract.ts';
export { newSpoolId } from './ids.ts';
export { spoolSchema } from './schema.ts';
