import type pg from 'pg';
import { checkAccountId } from './account-id.ts';

/**
 * Takes away what has had its time. It promises to take nothing that a mailbox shows, nothing a
 * queue may still ask about, and no log entry without saying so to readers (the horizon). Work is
 * done in short transactions, so that mail is not kept waiting.
 */
export interface SweepOptions {
  /** Recorded deliveries: longer than any queue keeps a message. 7 days when not given. */
  readonly deliveredMs?: number;
  /** The change log, by age and by length per account. 30 days and 10,000 MODSEQs when not given. */
  readonly changesMs?: number;
  readonly changesKept?: number;
  /** Expunged messages, deleted mailboxes, removed accounts. 14 days when not given. */
  readonly graceMs?: number;
  /** What names once were. 180 days when not given. */
  readonly formerNamesMs?: number;
  /** Most rows of one transaction; 1000 when not given. */
  readonly step?: number;
  /** Ends the sweep between two steps. */
  readonly signal?: AbortSignal;
}

const DAY = 24 * 3600 * 1000;

/**
 * One whole sweep.
 * @param pool logged in as mda
 * @returns the number of rows taken away
 */
export async function sweep(pool: pg.Pool, options: SweepOptions = {}): Promise<number> {
  const step = options.step ?? 1000;
  const grace = options.graceMs ?? 14 * DAY;
  let total = 0;
  const jobs: readonly (readonly [string, number])[] = [
    ['sweep_delivered', options.deliveredMs ?? 7 * DAY],
    ['sweep_changes', options.changesMs ?? 30 * DAY],
    ['sweep_tombstones', grace],
    ['sweep_orphans', grace],
    ['sweep_former_names', options.formerNamesMs ?? 180 * DAY],
  ];
  for (const [name, olderThanMs] of jobs) {
    for (let count = step; count > 0;) {
      if (options.signal?.aborted === true) return total;
      const { rows } = await pool.query<{ count: number }>(
        `select mailstore.${name}(make_interval(secs => $1), $2) as count`,
        [olderThanMs / 1000, step],
      );
      count = rows[0]!.count;
      total += count;
    }
  }
  return total + (await trimLogs(pool, options.changesKept ?? 10_000, step, options.signal));
}

async function trimLogs(
  pool: pg.Pool,
  kept: number,
  step: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  let total = 0;
  for (let after: string | null = '0'; after !== null && signal?.aborted !== true;) {
    const { rows }: pg.QueryResult<{ last_account: string | null; deleted: number }> = await pool.query(
      'select last_account, deleted from mailstore.trim_changes($1, $2, $3)',
      [kept, after, step],
    );
    after = rows[0]!.last_account;
    total += rows[0]!.deleted;
  }
  return total;
}

/**
 * Ends an account: it takes no more mail, and its mailboxes go after the grace period. False when
 * there was none, or it was removed before.
 * @param pool logged in as mda
 */
export async function removeAccount(pool: pg.Pool, accountId: string): Promise<boolean> {
  const { rows } = await pool.query<{ removed: boolean }>('select mailstore.remove_account($1) as removed', [
    checkAccountId(accountId),
  ]);
  return rows[0]!.removed;
}
