/** What mda sweeps, and the proof that a body is not needed: the spool and the store are both asked. */
import type { Blobstore } from '@waybill/blobstore';
import { sweep as sweepMailstore } from '@waybill/mailstore';
import type pg from 'pg';
import type { SweepJob } from './sweep.ts';

export function sweepJobs(pool: pg.Pool, blobs: Blobstore, blobGraceMs: number): SweepJob[] {
  return [
    { name: 'mailstore', run: (signal) => sweepMailstore(pool, { signal }) },
    {
      name: 'bodies',
      run: () => blobs.sweep({ graceMs: blobGraceMs, stillReferenced: (keys) => referenced(pool, keys) }),
    },
  ];
}

/** Of these keys, those that a message in the spool or in a mailbox refers to. */
async function referenced(pool: pg.Pool, keys: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ key: string }>(
    `select spool.references_blob($1) as key union select mailstore.references_blob($1)`,
    [keys],
  );
  return rows.map((row) => row.key);
}
