import path from 'node:path';
import type { SchemaSource } from '@waybill/postgres';

/** The `signing` schema: DKIM keys and the secrets of rewritten return paths. */
export const signingSchema: SchemaSource = {
  schema: 'signing',
  folder: path.join(import.meta.dirname, '../migrations'),
};
