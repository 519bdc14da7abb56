import path from 'node:path';
import type { SchemaSource } from '@waybill/postgres';

/** The `blobstore` schema: bodies by the digest of their bytes. */
export const blobstoreSchema: SchemaSource = {
  schema: 'blobstore',
  folder: path.join(import.meta.dirname, '../migrations'),
};
