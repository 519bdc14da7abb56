import type pg from 'pg';
import { plainArray } from '@waybill/postgres';
import type { Claimed, Origin } from './contract.ts';
import { newToken } from './ids.ts';

/** Leases: taking due recipients, keeping them, giving them back. Time is the database's. */

/** A lease's length, and the least that must be left of it when its holder asks. */
export const LEASE_SECONDS = 30;
const FENCE_SECONDS = 10;

/**
 * The rows to take are named by ctid from a locked and limited subselect: as a joined subquery the
 * limit is not kept under a generic plan. The body comes with the first recipient of each message, in
 * base64: against the driver's hex it saves a third of the bytes and most of the decoding.
 */
export const CLAIM_TEXT = `
with c as (
  update spool.rcpt r
     set state = 1, attempts = attempts + 1, epoch = epoch + 1, token = $4, lease_owner = $3,
         lease_until = spool.now() + interval '${LEASE_SECONDS} s'
   where r.ctid = any (array(
           select ctid from spool.rcpt
            where destination = $1 and state = 0 and next_at <= spool.now()
            order by next_at limit $2 for update skip locked))
  returning r.spool_id, r.rcpt_no, r.delivery_id, r.address, r.orcpt, r.notify, r.account_id,
            r.attempts, r.epoch, r.unknown_outcome)
select c.*, m.origin, m.return_path, m.envid, m.ret, m.smtputf8, m.hops, m.accepted_at, m.expires_at,
       m.size, m.blob_key,
       m.origin = 3 or m.auth_account is not null or coalesce(m.client_info ->> 'agent', '') = 'msa' as ours,
       case when row_number() over (partition by c.spool_id) = 1 then encode(m.body, 'base64') end as body
  from c join spool.msg m using (spool_id)`;

interface ClaimRow {
  spool_id: string;
  rcpt_no: number;
  delivery_id: string;
  address: string;
  orcpt: string | null;
  notify: number;
  account_id: string | null;
  attempts: number;
  epoch: number;
  unknown_outcome: boolean;
  origin: number;
  return_path: string;
  envid: string | null;
  ret: 'FULL' | 'HDRS' | null;
  smtputf8: boolean;
  hops: number;
  accepted_at: Date;
  expires_at: Date;
  size: string;
  blob_key: string | null;
  ours: boolean;
  body: string | null;
}

const ORIGINS: readonly Origin[] = ['mx', 'msa', 'dsn'];

/** Leases at most `limit` due recipients of one destination, oldest due first. */
export async function claim(
  pool: pg.Pool,
  destination: string,
  limit: number,
  owner: string,
): Promise<Claimed[]> {
  const token = newToken();
  const { rows } = await pool.query<ClaimRow>({
    name: 'spool.claim',
    text: CLAIM_TEXT,
    values: [destination, limit, owner, token],
  });
  const bodies = new Map<string, Buffer>();
  for (const row of rows) if (row.body !== null) bodies.set(row.spool_id, Buffer.from(row.body, 'base64'));
  return rows.map((row) => ({
    spoolId: row.spool_id,
    rcptNo: row.rcpt_no,
    deliveryId: row.delivery_id,
    address: row.address,
    orcpt: row.orcpt,
    notify: row.notify,
    destination,
    accountId: row.account_id,
    attempts: row.attempts - 1,
    epoch: row.epoch,
    token,
    unknownOutcome: row.unknown_outcome,
    origin: ORIGINS[row.origin - 1] ?? 'mx',
    ours: row.ours,
    returnPath: row.return_path,
    envid: row.envid,
    ret: row.ret,
    smtputf8: row.smtputf8,
    hops: row.hops,
    acceptedAt: row.accepted_at,
    expiresAt: row.expires_at,
    size: Number(row.size),
    body: bodies.get(row.spool_id) ?? null,
    blobKey: row.blob_key,
  }));
}

/** The four parameters that name leases, for a statement that unnests them as `(id, no, epoch, token)`. */
export function leaseKeys(claims: readonly Claimed[]): string[] {
  return [
    plainArray(claims.map((each) => each.spoolId)),
    plainArray(claims.map((each) => each.rcptNo)),
    plainArray(claims.map((each) => each.epoch)),
    plainArray(claims.map((each) => each.token)),
  ];
}

/** The rows that these leases still hold. Every statement of a holder but the delivered rule ends in this. */
export const HELD = 'r.spool_id = k.id and r.rcpt_no = k.no and r.epoch = k.epoch and r.token = k.token';
export const LEASE_KEYS =
  'unnest($1::uuid[], $2::int[], $3::int[], $4::uuid[]) with ordinality as k(id, no, epoch, token, ord)';

/** Renews leases that have at least 10 s left; answers for each. */
export async function renew(pool: pg.Pool, claims: readonly Claimed[]): Promise<boolean[]> {
  if (claims.length === 0) return [];
  const { rows } = await pool.query<{ ord: string }>({
    name: 'spool.renew',
    text: `update spool.rcpt r set lease_until = spool.now() + interval '${LEASE_SECONDS} s'
             from ${LEASE_KEYS}
            where ${HELD} and r.state = 1 and r.lease_until >= spool.now() + interval '${FENCE_SECONDS} s'
           returning k.ord`,
    values: leaseKeys(claims),
  });
  const held = new Set(rows.map((row) => Number(row.ord)));
  return claims.map((_, i) => held.has(i + 1));
}

/**
 * Renews what is in hand, also what has run out and was not reaped: its holder may be waiting for
 * the answer to a message that is out, and one renewal that the database missed must not send it twice.
 */
export async function keep(pool: pg.Pool, claims: readonly Claimed[]): Promise<void> {
  if (claims.length === 0) return;
  await pool.query({
    name: 'spool.keep',
    text: `update spool.rcpt r set lease_until = spool.now() + interval '${LEASE_SECONDS} s'
             from ${LEASE_KEYS} where ${HELD} and r.state = 1`,
    values: leaseKeys(claims),
  });
}

/** Gives leases back untouched: due at once, the attempt not counted. A lease lost meanwhile is left alone. */
export async function release(pool: pg.Pool, claims: readonly Claimed[]): Promise<void> {
  if (claims.length === 0) return;
  await pool.query({
    name: 'spool.release',
    text: `update spool.rcpt r
              set state = 0, attempts = attempts - 1, next_at = spool.now(), token = null, lease_owner = null, lease_until = null
             from ${LEASE_KEYS} where ${HELD} and r.state = 1`,
    values: leaseKeys(claims),
  });
}
