/** Large bodies, stored once: content-addressed chunks in Postgres, swept when nothing refers to them. */
export { type Blobstore, openBlobstore, type SweepOptions } from './blobstore.ts';
export { blobstoreSchema } from './schema.ts';
