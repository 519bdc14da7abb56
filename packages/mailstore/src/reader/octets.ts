import type pg from 'pg';
import type { Blobstore } from '@waybill/blobstore';
import { plainArray } from '@waybill/postgres';
import type { StoredMessage } from '../contract.ts';
import { decodeByteas, decodeNumbers } from './columns.ts';

/** What is stored of a message itself: its octets and its summary. Neither ever changes. */

const SUMMARIES = {
  name: 'mailstore.summaries',
  text: `select array_agg(email_id)::text as ids, array_send(array_agg(prefix)) as prefixes, array_send(array_agg(summary)) as summaries
    from mailstore.email where account_id = $1 and email_id = any ($2::bigint[])`,
};

/** In the order asked; undefined where the message is gone. Memory is that of all summaries: ask for some hundreds at a time. */
export async function summaries(
  pool: pg.Pool,
  accountId: string,
  emailIds: readonly string[],
): Promise<({ prefix: Buffer; summary: Buffer } | undefined)[]> {
  const { rows } = await pool.query<{
    ids: string | null;
    prefixes: Buffer | null;
    summaries: Buffer | null;
  }>({
    ...SUMMARIES,
    values: [accountId, plainArray(emailIds)],
  });
  const row = rows[0]!;
  const prefixes = decodeByteas(row.prefixes);
  const found = decodeByteas(row.summaries);
  const place = new Map(decodeNumbers(row.ids).map((id, i) => [String(id), i]));
  return emailIds.map((id) => {
    const i = place.get(id);
    return i === undefined ? undefined : { prefix: prefixes[i]!, summary: found[i]! };
  });
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
