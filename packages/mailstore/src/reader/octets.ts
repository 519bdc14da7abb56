import type pg from 'pg';
import type { Blobstore } from '@waybill/blobstore';
import { plainArray } from '@waybill/postgres';
import type { StoredMessage } from '../contract.ts';

/** What is stored of a message itself: its octets and its summary. Neither ever changes. */

const SUMMARIES = {
  name: 'mailstore.summaries',
  text: 'select email_id, prefix, summary from mailstore.email where account_id = $1 and email_id = any ($2::bigint[])',
};

/** In the order asked; undefined where the message is gone. Memory is that of all summaries: ask for some hundreds at a time. */
export async function summaries(
  pool: pg.Pool,
  accountId: string,
  emailIds: readonly string[],
): Promise<({ prefix: Buffer; summary: Buffer } | undefined)[]> {
  if (emailIds.length === 0) return [];
  const { rows } = await pool.query<{ email_id: string; prefix: Buffer; summary: Buffer }>({
    ...SUMMARIES,
    values: [accountId, plainArray(emailIds)],
  });
  const found = new Map(rows.map((row) => [row.email_id, { prefix: row.prefix, summary: row.summary }]));
  return emailIds.map((id) => found.get(id));
}

/** @throws Error when the body that the row refers to is lost */
export async function message(
  pool: pg.Pool,
  blobstore: Blobstore,
  accountId: string,
  emailId: string,
): Promise<StoredMessage | undefined> {
  const { rows } = await pool.query<{
    prefix: Buffer;
    body: Buffer | null;
    blob_key: string | null;
    summary: Buffer;
  }>({
    name: 'mailstore.message',
    text: 'select prefix, body, blob_key, summary from mailstore.email where account_id = $1 and email_id = $2',
    values: [accountId, emailId],
  });
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    emailId,
    prefix: row.prefix,
    body: row.body ?? (await blobstore.get(row.blob_key ?? '')),
    summary: row.summary,
  };
}
