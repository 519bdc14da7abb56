import type pg from 'pg';
import { plainArray, textArray, transaction } from '@waybill/postgres';
import type { Claimed, Failure, Result } from './contract.ts';
import { HELD, LEASE_KEYS, leaseKeys } from './claim.ts';
import { type Expiry, insertStatement, type PlacedDraft } from './insert.ts';

/** The end of an attempt: closed, requeued, or returned with its report. */

/** Octets of a reply that are kept: enough for people, too few to fill a disk. */
const TEXT_LIMIT = 1000;

/**
 * Delivered closes a row that is still ours, and also one whose lease ran out but that nobody has
 * taken since: a known success must not be tried again. A requeue asks for the lease itself. Each
 * matches what it has itself written before, so that a lost answer can be asked for again.
 */
const FINISH_TEXT = `
update spool.rcpt r
   set state = k.state,
       next_at = case when k.state = 0 then spool.now() + make_interval(secs => k.delay) else r.next_at end,
       unknown_outcome = r.unknown_outcome or k.unknown,
       last_code = k.code, last_text = k.text, last_peer = k.peer,
       token = k.token, lease_owner = null, lease_until = null
  from unnest($1::uuid[], $2::int[], $3::int[], $4::uuid[], $5::smallint[], $6::float8[], $7::boolean[],
              $8::text[], $9::text[], $10::text[])
         with ordinality as k(id, no, epoch, token, state, delay, unknown, code, text, peer, ord)
 where r.spool_id = k.id and r.rcpt_no = k.no
   and ((r.epoch = k.epoch and r.token = k.token and r.state in (1, k.state))
     or (k.state = 2 and r.state = 0 and r.epoch <= k.epoch))
returning k.ord`;

/** Closes or requeues many, in one commit; false where somebody else holds the row by now. */
export async function finishAll(pool: pg.Pool, results: readonly Result[]): Promise<boolean[]> {
  const { rows } = await pool.query<{ ord: string }>({
    name: 'spool.finish',
    text: FINISH_TEXT,
    values: [
      ...leaseKeys(results.map((result) => result.claim)),
      plainArray(results.map((result) => (result.kind === 'delivered' ? 2 : 0))),
      plainArray(results.map((result) => (result.kind === 'retry' ? Math.max(0, result.delayMs) / 1000 : 0))),
      plainArray(results.map((result) => result.kind === 'retry' && result.unknownOutcome)),
      textArray(results.map((result) => result.code)),
      textArray(results.map((result) => result.text.slice(0, TEXT_LIMIT))),
      textArray(results.map((result) => result.peer.slice(0, TEXT_LIMIT))),
    ],
  });
  const done = new Set(rows.map((row) => Number(row.ord)));
  // A row that stood twice in the batch was updated once: the other's verdict is the same.
  const keys = new Set<string>();
  results.forEach((result, i) => {
    if (done.has(i + 1)) keys.add(keyOf(result.claim));
  });
  return results.map(
    (result, i) => done.has(i + 1) || (result.kind === 'delivered' && keys.has(keyOf(result.claim))),
  );
}

function keyOf(claim: Claimed): string {
  return `${claim.spoolId}/${claim.rcptNo}/${claim.token}`;
}

const CLOSE_TEXT = `
update spool.rcpt r
   set state = 3, last_code = k.code, last_text = k.text, last_peer = k.peer, lease_owner = null, lease_until = null
  from unnest($1::uuid[], $2::int[], $3::int[], $4::uuid[], $5::text[], $6::text[], $7::text[])
         as k(id, no, epoch, token, code, text, peer)
 where ${HELD} and r.state = 1`;

class LeaseLost extends Error {}

/**
 * Closes the failed recipients and inserts their report, in one transaction: there is no instant
 * at which a failure is known and unreported, or reported and still to be tried.
 * @returns false, with nothing changed, when a lease was lost
 */
export async function failTogether(
  pool: pg.Pool,
  failure: Failure,
  report: PlacedDraft | undefined,
  expiry: Expiry,
): Promise<boolean> {
  const claims = failure.claims.map((each) => each.claim);
  const wanted = new Set(claims.map(keyOf)).size;
  try {
    await transaction(pool, async (client) => {
      const closed = await client.query({
        name: 'spool.close',
        text: CLOSE_TEXT,
        values: [
          ...leaseKeys(claims),
          textArray(failure.claims.map((each) => each.code)),
          textArray(failure.claims.map((each) => each.text.slice(0, TEXT_LIMIT))),
          textArray(failure.claims.map((each) => each.peer.slice(0, TEXT_LIMIT))),
        ],
      });
      if (closed.rowCount !== wanted) throw new LeaseLost();
      if (report !== undefined) await client.query(insertStatement([report], expiry));
    });
    return true;
  } catch (error) {
    if (!(error instanceof LeaseLost)) throw error;
    return closedBefore(pool, claims, wanted);
  }
}

/** Whether this very failure was committed before: its answer may have been lost with a connection. */
async function closedBefore(pool: pg.Pool, claims: readonly Claimed[], wanted: number): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'spool.closed',
    text: `select distinct r.spool_id, r.rcpt_no from spool.rcpt r, ${LEASE_KEYS} where ${HELD} and r.state = 3`,
    values: leaseKeys(claims),
  });
  return rowCount === wanted;
}
