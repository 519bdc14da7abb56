import type pg from 'pg';
import { type MailboxChanges, type MailboxSnapshot, type MessageRow, StoreRefusal } from '../contract.ts';
import { decodeKeywords, decodeNumbers, decodeRows, type PackedRows } from './columns.ts';
import { type InfoRow, mailboxInfo } from './mailboxes.ts';
import { expandMultirange } from './uid-sets.ts';

/**
 * What a reader sees of a mailbox: all of it at one instant, or what happened since one. Each is
 * one statement, hence one consistent view.
 */

export async function snapshot(
  pool: pg.Pool,
  accountId: string,
  mailboxId: number,
  claim: boolean,
): Promise<MailboxSnapshot> {
  const { rows } = await pool.query<InfoRow & PackedRows & { account_modseq: string }>({
    name: 'mailstore.open_mailbox',
    text: 'select * from mailstore.open_mailbox($1, $2, $3)',
    values: [accountId, mailboxId, claim],
  });
  const row = rows[0];
  if (row === undefined) throw new StoreRefusal('no-such-mailbox');
  const uids = decodeNumbers(row.uids);
  return {
    info: mailboxInfo(row),
    modseq: Number(row.account_modseq),
    uids,
    flags: decodeNumbers(row.flags),
    keywords: decodeKeywords(uids, row.keywords),
    modseqs: decodeNumbers(row.modseqs),
    emailIds: decodeNumbers(row.email_ids).map(String),
    sizes: decodeNumbers(row.sizes),
    internalDates: decodeNumbers(row.dates),
  };
}

interface ChangesRow extends PackedRows {
  readonly modseq: string;
  readonly horizon: string;
  readonly gone: boolean;
  readonly expunged: string | null;
}

/** What came and went between is in neither list: a reader at $3 never saw it. */
const CHANGES = {
  name: 'mailstore.changes_since',
  text: `with log as materialized (
      select c.kind, mailstore.uid_ranges(c.uids) as uids from mailstore.change c
       where c.account_id = $1 and c.mailbox_id = $2 and c.modseq > $3 and c.kind <= 3),
    sums as materialized (
      select range_agg(uids) filter (where kind < 3) as touched,
             range_agg(uids) filter (where kind = 3) - coalesce(range_agg(uids) filter (where kind = 1), '{}') as expunged
        from log)
    select s.modseq, s.horizon, m.mailbox_id is null as gone, sums.expunged::text as expunged, p.*
      from mailstore.account_seq s
     cross join sums
      left join mailstore.mailbox m on m.account_id = s.account_id and m.mailbox_id = $2 and m.deleted_at is null
     cross join lateral (
       select array_agg(x.uid)::text as uids, array_agg(x.flags)::text as flags, array_agg(x.modseq)::text as modseqs,
              array_agg(x.created_modseq)::text as created, array_agg(x.email_id)::text as email_ids,
              array_agg(x.size)::text as sizes, array_agg(mailstore.epoch_ms(x.internal_date))::text as dates,
              json_object_agg(x.uid, x.keywords) filter (where x.keywords is not null) as keywords
         from (select mm.* from unnest(sums.touched) as t(r)
                -- "offset 0" keeps the planner from reading the mailbox whole and comparing.
                cross join lateral (select * from mailstore.mailbox_msg mm
                   where mm.account_id = $1 and mm.mailbox_id = $2 and mm.uid >= lower(t.r) and mm.uid < upper(t.r) offset 0) mm
                order by mm.uid) x) p
     where s.account_id = $1`,
};

export async function changesSince(
  pool: pg.Pool,
  accountId: string,
  mailboxId: number,
  modseq: number,
): Promise<MailboxChanges> {
  const { rows } = await pool.query<ChangesRow>({ ...CHANGES, values: [accountId, mailboxId, modseq] });
  const row = rows[0];
  if (row === undefined) throw new StoreRefusal('no-such-account');
  const now = Number(row.modseq);
  // A MODSEQ of the future is one of a store that was since restored from an older copy.
  if (modseq < Number(row.horizon) || modseq > now)
    return { modseq: now, complete: false, added: [], changed: [], expunged: [], gone: row.gone };
  const { rows: present, created } = decodeRows(row);
  const added: MessageRow[] = [];
  const changed: MessageRow[] = [];
  present.forEach((message, i) => (created[i]! > modseq ? added : changed).push(message));
  return {
    modseq: now,
    complete: true,
    added,
    changed,
    expunged: expandMultirange(row.expunged),
    gone: row.gone,
  };
}
