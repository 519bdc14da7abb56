import path from 'node:path';
import type { SchemaSource } from '@waybill/postgres';

/** The `spool` schema: messages and recipients between acceptance and last delivery. */
export const spoolSchema: SchemaSource = {
  schema: 'spool',
  folder: path.join(import.meta.dirname, '../migrations'),
};
