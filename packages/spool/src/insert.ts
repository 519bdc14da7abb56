import type pg from 'pg';
import { byteaArray, plainArray, storable, textArray } from '@waybill/postgres';
import type { Draft, DraftRecipient, Origin } from './contract.ts';
import { newDeliveryId, reportDeliveryId } from './ids.ts';

/** The one statement that puts messages into the spool: many drafts with all their recipients, or none of them. */

export const ORIGIN: Readonly<Record<Origin, number>> = { mx: 1, msa: 2, dsn: 3 };

/** How long a message may wait before it is returned, in milliseconds. */
export interface Expiry {
  /** RFC 5321 §4.5.4.1 asks for at least 4-5 days. */
  readonly mailMs: number;
  /** A report that can't be delivered helps nobody after a day. */
  readonly reportMs: number;
}

/** A draft whose bytes are where they will stay: inline, or in the blobstore under a key. */
export interface PlacedDraft {
  readonly draft: Draft;
  readonly blobKey: string | undefined;
}

const INSERT_NAME = 'spool.accept';
/** Needs only the right to insert: nothing is read, nothing returned, a conflict is an error. */
const INSERT_TEXT = `
with m as (
  insert into spool.msg (spool_id, origin, return_path, envid, ret, smtputf8, auth_account, client_info,
                         body, blob_key, size, hops, parent_id, expires_at)
  select id, origin, return_path, envid, ret, smtputf8, auth_account, client_info,
         body, blob_key, size, hops, parent_id, spool.now() + make_interval(secs => expires)
  from unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::text[], $8::jsonb[],
              $9::bytea[], $10::text[], $11::bigint[], $12::smallint[], $13::uuid[], $14::float8[])
    as t(id, origin, return_path, envid, ret, smtputf8, auth_account, client_info,
         body, blob_key, size, hops, parent_id, expires))
insert into spool.rcpt (spool_id, rcpt_no, delivery_id, address, orcpt, notify, destination, account_id)
select * from unnest($15::uuid[], $16::int[], $17::uuid[], $18::text[], $19::text[], $20::smallint[], $21::text[], $22::bigint[])`;

function insertValues(placed: readonly PlacedDraft[], expiry: Expiry): unknown[] {
  const drafts = placed.map((item) => item.draft);
  const ids: string[] = [];
  const numbers: number[] = [];
  const deliveries: string[] = [];
  const recipients = [];
  for (const draft of drafts) {
    const byAccount = new Map<string, string>();
    for (const [i, recipient] of draft.recipients.entries()) {
      const no = i + 1;
      ids.push(draft.id);
      numbers.push(no);
      deliveries.push(deliveryId(draft, no, recipient, byAccount));
      recipients.push(recipient);
    }
  }
  return [
    plainArray(drafts.map((draft) => draft.id)),
    plainArray(drafts.map((draft) => ORIGIN[draft.origin])),
    textArray(drafts.map((draft) => draft.returnPath)),
    textArray(drafts.map((draft) => draft.envid)),
    textArray(drafts.map((draft) => draft.ret)),
    plainArray(drafts.map((draft) => draft.smtputf8)),
    textArray(drafts.map((draft) => draft.authAccount)),
    textArray(drafts.map((draft) => clientInfo(draft))),
    byteaArray(placed.map((item) => (item.blobKey === undefined ? item.draft.message : null))),
    textArray(placed.map((item) => item.blobKey)),
    plainArray(drafts.map((draft) => draft.message.length)),
    plainArray(drafts.map((draft) => draft.hops)),
    plainArray(drafts.map((draft) => draft.parentId)),
    plainArray(drafts.map((draft) => (draft.origin === 'dsn' ? expiry.reportMs : expiry.mailMs) / 1000)),
    plainArray(ids),
    plainArray(numbers),
    plainArray(deliveries),
    textArray(recipients.map((recipient) => recipient.address)),
    textArray(recipients.map((recipient) => recipient.orcpt)),
    plainArray(recipients.map((recipient) => recipient.notify)),
    textArray(recipients.map((recipient) => recipient.destination)),
    plainArray(recipients.map((recipient) => recipient.accountId)),
  ];
}

/** One name per message and mailbox: two addresses of one account are one delivery. */
function deliveryId(
  draft: Draft,
  no: number,
  { accountId, deliveryId: given }: DraftRecipient,
  byAccount: Map<string, string>,
): string {
  const known = accountId === undefined ? undefined : byAccount.get(accountId);
  if (known !== undefined) return known;
  const id = given ?? (draft.origin === 'dsn' ? reportDeliveryId(draft.id, no) : newDeliveryId());
  if (accountId !== undefined) byAccount.set(accountId, id);
  return id;
}

function clientInfo(draft: Draft): string | undefined {
  if (draft.clientInfo === undefined) return undefined;
  const info: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(draft.clientInfo)) info[name] = storable(value);
  return JSON.stringify(info);
}

/** The statement to run, in the client's transaction or as one of its own. */
export function insertStatement(placed: readonly PlacedDraft[], expiry: Expiry): pg.QueryConfig {
  return { name: INSERT_NAME, text: INSERT_TEXT, values: insertValues(placed, expiry) };
}
