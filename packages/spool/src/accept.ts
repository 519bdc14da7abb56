import pg from 'pg';
import { Batcher } from '@waybill/postgres';
import type { Blobstore } from '@waybill/blobstore';
import type { Draft, SpoolAcceptOnce } from './contract.ts';
import { type Expiry, insertStatement, type PlacedDraft } from './insert.ts';
import { isLostConnection, untilAnswered } from './lost-connection.ts';

/**
 * The one door into the spool. It promises: when `accept` resolves, the message and all its
 * recipients are committed; when it rejects, none of them is, as far as anybody can know.
 */

const DAY = 24 * 3600 * 1000;

export interface AcceptOptions {
  /** Bodies up to this many octets lie in the row, larger ones in the blobstore. 32 KiB when not given. */
  readonly inlineLimit?: number;
  /** Mail 5 days, reports 1 day when not given. */
  readonly expiry?: Expiry;
  /** How long a commit whose outcome is unknown is asked after, in milliseconds. 30 s when not given. */
  readonly settleMs?: number;
  /** Statements in flight; one makes the largest batches. */
  readonly parallel?: number;
}

export const DEFAULT_EXPIRY: Expiry = { mailMs: 5 * DAY, reportMs: DAY };
export const DEFAULT_INLINE_LIMIT = 32 * 1024;

/** The connection died while the server may have been committing: asked again before anybody is told. */
export class CommitUnknownError extends Error {
  constructor(cause: unknown) {
    super('the connection to the database was lost during the commit', { cause });
    this.name = 'CommitUnknownError';
  }
}

/**
 * Opens the spool for an accepting agent.
 * @param pool logged in as msa, mx or mta
 */
export function openSpoolAccept(
  pool: pg.Pool,
  blobstore: Blobstore,
  options: AcceptOptions = {},
): SpoolAcceptOnce {
  const expiry = options.expiry ?? DEFAULT_EXPIRY;
  const batcher = new Batcher<PlacedDraft, void>({
    run: async (placed) => {
      await insertCommitted(pool, placed, expiry);
      return placed.map(() => undefined);
    },
    limit: 50,
    maxBytes: 4 * 1024 * 1024,
    sizeOf: (item) => (item.blobKey === undefined ? item.draft.message.length : 1000),
    parallel: options.parallel ?? 1,
  });
  const accept = async (draft: Draft): Promise<void> => {
    if (draft.recipients.length === 0) throw new Error(`draft ${draft.id} has no recipients`);
    const placed = await place(blobstore, draft, options.inlineLimit ?? DEFAULT_INLINE_LIMIT);
    try {
      await batcher.add(placed);
    } catch (error) {
      if (!(error instanceof CommitUnknownError)) throw error;
      await settle(pool, placed, expiry, options.settleMs ?? 30_000);
    }
  };
  return {
    accept,
    async acceptOnce(draft) {
      try {
        await accept(draft);
        return true;
      } catch (error) {
        // The primary key decides: of two that come at once one waits for the other's commit.
        if (isOwnId(error)) return false;
        throw error;
      }
    },
    has: (id) => has(pool, id),
  };
}

async function has(pool: pg.Pool, id: string): Promise<boolean> {
  const { rowCount } = await pool.query('select from spool.has($1)', [[id]]);
  return rowCount === 1;
}

/** Puts a large body where it will stay, before anything refers to it. */
export async function place(blobstore: Blobstore, draft: Draft, inlineLimit: number): Promise<PlacedDraft> {
  if (draft.message.length <= inlineLimit) return { draft, blobKey: undefined };
  const { blobKey } = await blobstore.put(draft.message);
  return { draft, blobKey };
}

async function insertCommitted(pool: pg.Pool, placed: readonly PlacedDraft[], expiry: Expiry): Promise<void> {
  const statement = insertStatement(placed, expiry);
  const client = await pool.connect();
  let lost: Error | undefined;
  try {
    await client.query(statement);
  } catch (error) {
    if (!isLostConnection(error)) throw error;
    lost = error as Error;
    throw new CommitUnknownError(error);
  } finally {
    client.release(lost);
  }
}

/**
 * Finds out whether a lost commit took place, by doing it again: the same id can't be inserted
 * twice, and an insert waits for one that is still under way. So the answer is certain, not a guess.
 * @throws CommitUnknownError when the server stayed away for `settleMs`.
 */
async function settle(pool: pg.Pool, placed: PlacedDraft, expiry: Expiry, settleMs: number): Promise<void> {
  const insertAgain = async (): Promise<void> => {
    if (await has(pool, placed.draft.id)) return;
    try {
      await insertCommitted(pool, [placed], expiry);
    } catch (error) {
      if (!isOwnId(error)) throw error;
    }
  };
  const deadline = performance.now() + settleMs;
  // Nothing the server says in between is an answer: the first commit may still be under way.
  for (;;) {
    try {
      return await untilAnswered(insertAgain, deadline - performance.now());
    } catch (error) {
      if (performance.now() + 100 > deadline) throw new CommitUnknownError(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Either key begins with the id, and the statement may meet that of the recipients first. */
function isOwnId(error: unknown): boolean {
  return (
    error instanceof pg.DatabaseError &&
    error.code === '23505' &&
    (error.constraint === 'msg_pkey' || error.constraint === 'rcpt_pkey')
  );
}
