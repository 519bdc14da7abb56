import pg from 'pg';
import { testDatabase, type TestDatabase } from '@waybill/lab';
import { blobstoreSchema, openBlobstore } from '@waybill/blobstore';
import { openPool } from '@waybill/postgres';
import { openSpoolAccept } from '../src/accept.ts';
import type { Draft, DraftRecipient, SpoolAccept } from '../src/contract.ts';
import { newSpoolId } from '../src/ids.ts';
import { spoolSchema } from '../src/schema.ts';

/** A spool of its own for a test file, with a pool per role and drafts to put in. */
export interface Bed extends AsyncDisposable {
  readonly db: TestDatabase;
  readonly admin: pg.Pool;
  readonly mta: pg.Pool;
  readonly accept: SpoolAccept;
  pool(agent: string, size?: number): pg.Pool;
}

export async function openBed(): Promise<Bed> {
  const db = await testDatabase([blobstoreSchema, spoolSchema]);
  const pools: pg.Pool[] = [];
  const keep = (pool: pg.Pool): pg.Pool => {
    pools.push(pool);
    return pool;
  };
  const pool = (agent: string, size = 4): pg.Pool => keep(openPool(db.urlAs(agent), { size, name: agent }));
  const mx = pool('mx');
  return {
    db,
    admin: keep(openPool(db.url, { size: 4 })),
    mta: pool('mta'),
    accept: openSpoolAccept(mx, openBlobstore(mx)),
    pool,
    async [Symbol.asyncDispose]() {
      await Promise.all(pools.map((each) => each.end()));
      await db[Symbol.asyncDispose]();
    },
  };
}

export function recipient(over: Partial<DraftRecipient> = {}): DraftRecipient {
  return { address: 'bob@blue.test', notify: 0, destination: 'blue.test', ...over };
}

export function draft(over: Partial<Draft> = {}): Draft {
  return {
    id: newSpoolId(),
    origin: 'mx',
    returnPath: 'alice@red.test',
    recipients: [recipient()],
    message: Buffer.from('Subject: hello\r\n\r\nbody\r\n'),
    smtputf8: false,
    hops: 1,
    ...over,
  };
}
