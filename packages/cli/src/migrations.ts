import { directorySchema } from '@waybill/auth/schema';
import { blobstoreSchema } from '@waybill/blobstore';
import { journeySchema } from '@waybill/journey';
import { mailstoreSchema } from '@waybill/mailstore';
import { migrate } from '@waybill/postgres';
import { signingSchema } from '@waybill/signing';
import { spoolSchema } from '@waybill/spool';
import { migrateKicks } from '@waybill/spool/kick';

/** Every schema of the suite, owners first where one refers to another. */
export const ALL_SCHEMAS = [
  directorySchema,
  signingSchema,
  blobstoreSchema,
  spoolSchema,
  mailstoreSchema,
  journeySchema,
];

/** Brings a database up to date: roles, all schemas, and BullMQ's own. */
export async function migrateAll(
  adminUrl: string,
  passwords: (role: string) => string | undefined = () => undefined,
): Promise<void> {
  await migrate(adminUrl, ALL_SCHEMAS, { passwords });
  await migrateKicks(adminUrl);
}
