import { fileURLToPath } from 'node:url';
import type { SchemaSource } from '@waybill/postgres';

/** The directory's tables, for the migrator. */
export const directorySchema: SchemaSource = {
  schema: 'directory',
  folder: fileURLToPath(new URL('../migrations', import.meta.url)),
};
