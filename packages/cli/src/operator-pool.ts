import { openPool } from '@waybill/postgres';

/**
 * A connection as `waybill_operator`, who may read spool and journey: from the environment, or from a lab.
 * @throws Error that says what to set when neither names a database
 */
export async function openOperatorPool(labFolder: string | undefined): Promise<ReturnType<typeof openPool>> {
  const url = labFolder === undefined ? process.env['WAYBILL_DATABASE_URL'] : await labUrl(labFolder);
  if (url === undefined || url === '')
    throw new Error(
      "set WAYBILL_DATABASE_URL to the operator's connection string, or say --data DIR for a lab",
    );
  return openPool(url, { size: 2, name: 'waybill tool' });
}

/** Loaded only when asked for: the lab brings much along. */
async function labUrl(folder: string): Promise<string | undefined> {
  const { readLabFile } = await import('@waybill/lab');
  return readLabFile(folder).operator['WAYBILL_DATABASE_URL'];
}
