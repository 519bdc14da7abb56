import path from 'node:path';
import type { SchemaSource } from '@waybill/postgres';

/** The `journey` schema: events and transcripts by day. */
export const journeySchema: SchemaSource = {
  schema: 'journey',
  folder: path.join(import.meta.dirname, '../migrations'),
};
