import type pg from 'pg';
import type { Blobstore } from '@waybill/blobstore';
import { byteaArray, plainArray, textArray } from '@waybill/postgres';
import { type AccountRef, type AppendItem, StoreRefusal } from '../contract.ts';
import { ensureAccounts } from '../deliver.ts';
import { epochSeconds } from '../epoch.ts';
import { checkedKeywords } from './keywords.ts';
import { storedName } from './names.ts';

/** APPEND (RFC 3501 §6.3.11), one message or several: all or none. Large bodies go to the blobstore first. */

const APPEND = {
  name: 'mailstore.append_messages',
  text: `select * from mailstore.append_messages($1, $2, $3, $4, $5::int[], $6::text[], $7::float8[], $8::int[], $9::float8[], $10::text[],
    $11::bytea[], $12::bytea[])`,
};

/** @throws StoreRefusal `no-such-mailbox`, `over-quota`, `too-many` */
export async function appendMessages(
  pool: pg.Pool,
  blobstore: Blobstore,
  inlineLimit: number,
  account: AccountRef,
  mailboxName: string,
  items: readonly AppendItem[],
): Promise<{ uidValidity: number; uids: number[]; modseq: number }> {
  const name = storedName(mailboxName);
  if (name === undefined) throw new StoreRefusal('no-such-mailbox');
  if (items.length === 0) throw new RangeError('nothing to append');
  const keywords = items.map((item) => checkedKeywords(item.keywords).join(' '));
  const keys: (string | null)[] = [];
  for (const item of items)
    keys.push(item.body.length > inlineLimit ? (await blobstore.put(item.body)).blobKey : null);
  const values = [
    account.accountId,
    account.quotaBytes,
    account.quotaMessages,
    name,
    plainArray(items.map((item) => item.flags & 31)),
    textArray(keywords),
    plainArray(items.map((item) => epochSeconds(item.internalDate))),
    plainArray(items.map((item) => item.body.length)),
    plainArray(items.map((item) => epochSeconds(item.sentAt))),
    textArray(keys),
    byteaArray(items.map((item, i) => (keys[i] === null ? item.body : null))),
    byteaArray(items.map((item) => item.summary)),
  ];
  for (let attempt = 0; ; attempt++) {
    const { rows } = await pool.query<{
      refusal: StoreRefusal['reason'] | 'unknown' | null;
      modseq: string;
      uidvalidity: string;
      first_uid: string;
    }>({ ...APPEND, values });
    const row = rows[0]!;
    if (row.refusal === 'unknown') {
      if (attempt > 0) throw new StoreRefusal('no-such-account');
      await ensureAccounts(pool, [account]);
      continue;
    }
    if (row.refusal !== null) throw new StoreRefusal(row.refusal);
    const first = Number(row.first_uid);
    return {
      uidValidity: Number(row.uidvalidity),
      uids: items.map((_, i) => first + i),
      modseq: Number(row.modseq),
    };
  }
}
