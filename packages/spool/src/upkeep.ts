import type pg from 'pg';
import type { SpoolUpkeep } from './contract.ts';

/**
 * The mta's maintenance of the whole spool. These statements go over all destinations, by name the
 * only ones that do; each reads an index in order and stops at its limit.
 */

export interface UpkeepOptions {
  /** A finished message is kept this long after its acceptance, in milliseconds. 5 minutes when not given. */
  readonly graceMs?: number;
}

/** Rows of one statement. */
const PAGE = 500;

/** @param pool logged in as mta (figures also as operator) */
export function openSpoolUpkeep(pool: pg.Pool, options: UpkeepOptions = {}): SpoolUpkeep {
  let tour = '';
  return {
    reap: () => reap(pool),
    async dueDestinations(limit) {
      const { rows } = await pool.query<{ destination: string }>({
        name: 'spool.due-oldest',
        text: DUE_OLDEST,
        values: [PAGE],
      });
      const oldest = new Set(rows.map((row) => row.destination));
      // Fewer than a page are due: these are all of them.
      if (rows.length < PAGE) return [...oldest].slice(0, limit);
      // A backlog may belong to one destination: half of the answer comes from a tour of all, a stretch at a time.
      const due = new Set([...oldest].slice(0, Math.ceil(limit / 2)));
      const stretch = await pool.query<{ destination: string; due: boolean }>({
        name: 'spool.due-tour',
        text: DUE_TOUR,
        values: [tour, PAGE],
      });
      const ended = stretch.rows.length < PAGE;
      for (const row of stretch.rows) {
        if (due.size >= limit) return [...due];
        tour = row.destination;
        if (row.due) due.add(row.destination);
      }
      if (ended) tour = '';
      return [...due];
    },
    async nextDueMs(capMs) {
      const { rows } = await pool.query<{ ms: number | null }>({
        name: 'spool.next-due',
        text: `select extract(epoch from (select next_at from spool.rcpt where state = 0 order by next_at limit 1)
                      - spool.now())::float8 * 1000 as ms`,
      });
      return Math.max(0, Math.min(capMs, Math.ceil(rows[0]?.ms ?? capMs)));
    },
    sweep: () => sweep(pool, options.graceMs ?? 5 * 60_000),
    figures: () => figures(pool),
  };
}

const DUE_OLDEST = `select destination from spool.rcpt where state = 0 and next_at <= spool.now() order by next_at limit $1`;

/** One index probe per destination: the next name after this one, and whether its oldest row is due. */
const DUE_TOUR = `
with recursive d as (
  (select destination, next_at from spool.rcpt where state = 0 and destination > $1 order by destination, next_at limit 1)
  union all
  select n.destination, n.next_at from d cross join lateral
    (select destination, next_at from spool.rcpt where state = 0 and destination > d.destination
      order by destination, next_at limit 1) n)
select destination, next_at <= spool.now() as due from d limit $2`;

async function reap(pool: pg.Pool): Promise<string[]> {
  const touched = new Set<string>();
  for (;;) {
    const { rows } = await pool.query<{ destination: string }>({
      name: 'spool.reap',
      text: `update spool.rcpt r
                set state = 0, next_at = spool.now(), token = null, lease_owner = null, lease_until = null, unknown_outcome = true
              where r.ctid = any (array(
                      select ctid from spool.rcpt where state = 1 and lease_until < spool.now()
                       order by lease_until limit $1 for update skip locked))
             returning r.destination`,
      values: [PAGE],
    });
    for (const row of rows) touched.add(row.destination);
    if (rows.length < PAGE) return [...touched];
  }
}

/**
 * Deletes messages all of whose recipients are closed. Never the finishing worker's job: of two
 * that finish the last two recipients at once, each would see the other's still open.
 */
async function sweep(pool: pg.Pool, graceMs: number): Promise<number> {
  let swept = 0;
  let after = { at: '-infinity', id: '00000000-0000-0000-0000-000000000000' };
  for (;;) {
    const { rows } = await pool.query<{ seen: number; swept: number; at: string | null; id: string | null }>({
      name: 'spool.sweep',
      text: SWEEP,
      values: [after.at, after.id, graceMs / 1000, PAGE],
    });
    const page = rows[0];
    swept += page?.swept ?? 0;
    if (page === undefined || page.at === null || page.id === null || page.seen < PAGE) return swept;
    after = { at: page.at, id: page.id };
  }
}

const SWEEP = `
with page as materialized (
  select spool_id, accepted_at from spool.msg
   where (accepted_at, spool_id) > ($1::timestamptz, $2::uuid)
     and accepted_at < spool.now() - make_interval(secs => $3)
   order by accepted_at, spool_id limit $4),
doomed as materialized (
  select spool_id from page p
   where not exists (select from spool.rcpt r where r.spool_id = p.spool_id and r.state in (0, 1, 5))),
rcpts as (delete from spool.rcpt r using doomed d where r.spool_id = d.spool_id),
msgs as (delete from spool.msg m using doomed d where m.spool_id = d.spool_id returning 1),
last as (select accepted_at, spool_id from page order by accepted_at desc, spool_id desc limit 1)
select (select count(*) from page)::int as seen, (select count(*) from msgs)::int as swept,
       (select accepted_at::text from last) as at, (select spool_id from last) as id`;

async function figures(pool: pg.Pool): ReturnType<SpoolUpkeep['figures']> {
  const { rows } = await pool.query<{ queued: number; due: number; leased: number; oldest: number | null }>({
    name: 'spool.figures',
    text: `select (select count(*) from spool.rcpt where state = 0)::int as queued,
                  (select count(*) from spool.rcpt where state = 0 and next_at <= spool.now())::int as due,
                  (select count(*) from spool.rcpt where state = 1)::int as leased,
                  extract(epoch from spool.now() - (select next_at from spool.rcpt where state = 0 order by next_at limit 1))::float8 as oldest`,
  });
  const row = rows[0];
  return {
    queued: row?.queued ?? 0,
    due: row?.due ?? 0,
    leased: row?.leased ?? 0,
    oldestDueSeconds: Math.max(0, row?.oldest ?? 0),
  };
}
