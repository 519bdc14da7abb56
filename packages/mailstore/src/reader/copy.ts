import type pg from 'pg';
import { plainArray } from '@waybill/postgres';
import { type AccountRef, StoreRefusal } from '../contract.ts';
import { storedName } from './names.ts';
import { expandUidSet } from './uid-sets.ts';

/** COPY (RFC 3501 §6.4.7) and MOVE (RFC 6851): all messages or none; flags, keywords and dates go along. */

export interface Copied {
  readonly uidValidity: number;
  /** The UIDs that were there, ascending, and those of the copies, in the same order. */
  readonly from: number[];
  readonly to: number[];
  readonly modseq: number;
}

const COPY = {
  name: 'mailstore.copy_messages',
  text: 'select * from mailstore.copy_messages($1, $2, $3, $4, $5::bigint[], $6, $7)',
};

/** @throws StoreRefusal `no-such-mailbox` for the target, `no-such-message` when the source is gone, `over-quota` */
export async function copyMessages(
  pool: pg.Pool,
  account: AccountRef,
  fromMailboxId: number,
  uids: readonly number[],
  toName: string,
  move: boolean,
): Promise<Copied> {
  const to = storedName(toName);
  if (to === undefined) throw new StoreRefusal('no-such-mailbox');
  const { rows } = await pool.query<{
    refusal: StoreRefusal['reason'] | 'source-gone' | null;
    modseq: string;
    uidvalidity: string;
    uids: string;
    first_uid: string;
  }>({
    ...COPY,
    values: [
      account.accountId,
      account.quotaBytes,
      account.quotaMessages,
      fromMailboxId,
      plainArray(uids),
      to,
      move,
    ],
  });
  const row = rows[0]!;
  if (row.refusal === 'source-gone')
    throw new StoreRefusal('no-such-message', 'the mailbox that held the messages is gone');
  if (row.refusal !== null) throw new StoreRefusal(row.refusal);
  const from = expandUidSet(row.uids);
  const first = Number(row.first_uid);
  return {
    uidValidity: Number(row.uidvalidity),
    from,
    to: from.map((_, i) => first + i),
    modseq: Number(row.modseq),
  };
}
