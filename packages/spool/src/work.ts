import type pg from 'pg';
import { Batcher } from '@waybill/postgres';
import type { Blobstore } from '@waybill/blobstore';
import { DEFAULT_EXPIRY, DEFAULT_INLINE_LIMIT, place } from './accept.ts';
import { claim, keep, release, renew } from './claim.ts';
import type { Result, SpoolWork } from './contract.ts';
import { failTogether, finishAll } from './finish.ts';
import type { Expiry } from './insert.ts';
import { untilAnswered } from './lost-connection.ts';

/**
 * The mta's door: leases recipients and closes them. It promises that a row is closed or requeued
 * by the holder of its lease alone, and that a failure and its report are one commit.
 */

export interface WorkOptions {
  /** Reports up to this many octets lie in the row. 32 KiB when not given. */
  readonly inlineLimit?: number;
  readonly expiry?: Expiry;
  /**
   * How long an outcome is held on to while the database is away, in milliseconds: a remote server
   * has said 250, and only this row knows. 60 s when not given.
   */
  readonly patienceMs?: number;
}

/** @param pool logged in as mta */
export function openSpoolWork(pool: pg.Pool, blobstore: Blobstore, options: WorkOptions = {}): SpoolWork {
  const expiry = options.expiry ?? DEFAULT_EXPIRY;
  const patienceMs = options.patienceMs ?? 60_000;
  const finishing = new Batcher<Result, boolean>({ run: (results) => finishAll(pool, results), limit: 50 });
  return {
    claim: (destination, limit, owner) => claim(pool, destination, limit, owner),
    renew: (claims) => renew(pool, claims),
    keep: (claims) => keep(pool, claims),
    finish: (result) => untilAnswered(() => finishing.add(result), patienceMs),
    async fail(failure) {
      if (failure.claims.length === 0) return false;
      const { report } = failure;
      return untilAnswered(async () => {
        const placed =
          report === undefined
            ? undefined
            : await place(blobstore, report, options.inlineLimit ?? DEFAULT_INLINE_LIMIT);
        return failTogether(pool, failure, placed, expiry);
      }, patienceMs);
    },
    release: (claims) => release(pool, claims),
  };
}
