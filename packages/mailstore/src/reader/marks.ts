import type pg from 'pg';
import { plainArray, textArray } from '@waybill/postgres';
import { type MessageRow, StoreRefusal, type StoreMode } from '../contract.ts';
import { decodeRows, type PackedRows } from './columns.ts';
import { checkedKeywords } from './keywords.ts';
import { expandUidSet } from './uid-sets.ts';

/** Marking messages (STORE) and removing them (EXPUNGE, UID EXPUNGE, POP3's QUIT). */

type Refusal = { readonly refusal: StoreRefusal['reason'] | null };

const STORE = {
  name: 'mailstore.store_flags',
  text: 'select * from mailstore.store_flags($1, $2, $3::bigint[], $4, $5, $6::text[])',
};

/** RFC 3501 §6.4.6; which flags a mode touches: `set` replaces flags and keywords, the others only those given. */
export async function storeFlags(
  pool: pg.Pool,
  accountId: string,
  mailboxId: number,
  uids: readonly number[],
  mode: StoreMode,
  flags: number,
  keywords: readonly string[],
): Promise<{ modseq: number; changed: boolean; rows: MessageRow[] }> {
  const { rows } = await pool.query<Refusal & PackedRows & { modseq: string; changed: boolean }>({
    ...STORE,
    values: [accountId, mailboxId, plainArray(uids), mode, flags & 31, textArray(checkedKeywords(keywords))],
  });
  const row = rows[0]!;
  if (row.refusal !== null) throw new StoreRefusal(row.refusal);
  return { modseq: Number(row.modseq), changed: row.changed, rows: decodeRows(row).rows };
}

const EXPUNGE = {
  name: 'mailstore.expunge',
  text: 'select * from mailstore.expunge($1, $2, $3::bigint[], $4)',
};

/** @param only undefined: the whole mailbox. @param any whether \Deleted does not matter */
export async function expunge(
  pool: pg.Pool,
  accountId: string,
  mailboxId: number,
  only: readonly number[] | undefined,
  any: boolean,
): Promise<{ modseq: number; uids: number[] }> {
  const { rows } = await pool.query<Refusal & { modseq: string; uids: string }>({
    ...EXPUNGE,
    values: [accountId, mailboxId, only === undefined ? null : plainArray(only), any],
  });
  const row = rows[0]!;
  if (row.refusal !== null) throw new StoreRefusal(row.refusal);
  return { modseq: Number(row.modseq), uids: expandUidSet(row.uids) };
}
