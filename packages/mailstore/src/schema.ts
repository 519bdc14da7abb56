import path from 'node:path';
import type { SchemaSource } from '@waybill/postgres';

/** The `mailstore` schema: accounts, mailboxes, messages and the log of their changes. */
export const mailstoreSchema: SchemaSource = {
  schema: 'mailstore',
  folder: path.join(import.meta.dirname, '../migrations'),
};
