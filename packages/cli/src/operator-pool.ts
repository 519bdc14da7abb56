import fs from 'node:fs';
import { openPool } from '@waybill/postgres';

/**
 * A connection as `waybill_operator`, who may read spool and journey: from the environment, or from a lab.
 * @throws Error that says what to set when neither names a database
 */
export async function openOperatorPool(labFolder: string | undefined): Promise<ReturnType<typeof openPool>> {
  const url = labFolder === undefined ? urlFromEnvironment() : await labUrl(labFolder);
  if (url === undefined || url === '')
    throw new Error(
      "set WAYBILL_DATABASE_URL (or WAYBILL_DATABASE_URL_FILE) to the operator's connection string, or say --data DIR for a lab",
    );
  return openPool(url, { size: 2, name: 'waybill tool' });
}

/** @throws Error when the file that is named cannot be read */
function urlFromEnvironment(): string | undefined {
  const direct = process.env['WAYBILL_DATABASE_URL'];
  const file = process.env['WAYBILL_DATABASE_URL_FILE'];
  if ((direct !== undefined && direct !== '') || file === undefined || file === '') return direct;
  return fs.readFileSync(file, 'utf8').trimEnd();
}

/** Loaded only when asked for: the lab brings much along. */
async function labUrl(folder: string): Promise<string | undefined> {
  const { readLabFile } = await import('@waybill/lab');
  return readLabFile(folder).operator['WAYBILL_DATABASE_URL'];
}
