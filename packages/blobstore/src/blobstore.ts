import { hash } from 'node:crypto';
import type pg from 'pg';
import { byteaArray, transaction } from '@waybill/postgres';

/** Octets of a chunk row. A range is found by arithmetic, so this never changes for stored bodies. */
const CHUNK = 256 * 1024;
/** Chunks that travel in one statement: memory of a put or get stays flat, whatever the body's size. */
const CHUNKS_PER_CALL = 16;

/** Bodies by the digest of their bytes. Put the body first, commit what refers to it after; delete in reverse. */
export interface Blobstore {
  /** Durable when it resolves. The same bytes again are only touched: their grace period starts anew. */
  put(bytes: Buffer): Promise<{ readonly blobKey: string }>;
  /** The whole body. @throws Error when there is none under this key. */
  get(blobKey: string): Promise<Buffer>;
  /** Octets `start` up to but without `end`, cut at the body's end. @throws Error when there is none under this key. */
  getRange(blobKey: string, start: number, end: number): Promise<Buffer>;
  /** Deletes bodies that nobody refers to and nobody has touched for `graceMs`. Answers how many. Needs the mda's rights. */
  sweep(options: SweepOptions): Promise<number>;
}

export interface SweepOptions {
  /** Longer than any put waits for the commit that refers to it; a day is the default of the agents. */
  readonly graceMs: number;
  /** Of these keys, those that the spool or the mailstore still refers to. */
  readonly stillReferenced: (blobKeys: readonly string[]) => Promise<Iterable<string>>;
  /** Most bodies that one call looks at; 1000 when not given. */
  readonly limit?: number;
}

export function openBlobstore(pool: pg.Pool): Blobstore {
  return {
    put: (bytes) => put(pool, bytes),
    get: (blobKey) => get(pool, blobKey),
    getRange: (blobKey, start, end) => getRange(pool, blobKey, start, end),
    sweep: (options) => sweep(pool, options),
  };
}

const TOUCH = {
  name: 'blobstore.touch',
  text: 'update blobstore.blob set touched_at = now() where key = $1',
};
const INSERT_BLOB = {
  name: 'blobstore.blob',
  text: `insert into blobstore.blob (key, size) values ($1, $2)
         on conflict (key) do update set touched_at = now()`,
};
/** A chunk that is there already holds the same octets: it was stored under the digest of the whole. */
const INSERT_CHUNKS = {
  name: 'blobstore.chunks',
  text: `insert into blobstore.chunk (key, no, data)
         select $1, $2 + (c.ord - 1)::int, c.data from unnest($3::bytea[]) with ordinality as c(data, ord)
         on conflict (key, no) do nothing`,
};

async function put(pool: pg.Pool, bytes: Buffer): Promise<{ blobKey: string }> {
  const blobKey = hash('sha256', bytes, 'base64url');
  const touched = await pool.query({ ...TOUCH, values: [blobKey] });
  if (touched.rowCount === 1) return { blobKey };
  await transaction(pool, async (client) => {
    // The row is inserted first: two puts of one body meet here, and the second finds it complete.
    await client.query({ ...INSERT_BLOB, values: [blobKey, bytes.length] });
    for (let no = 0; no * CHUNK < bytes.length; no += CHUNKS_PER_CALL) {
      const chunks: Buffer[] = [];
      for (let i = no; i < no + CHUNKS_PER_CALL && i * CHUNK < bytes.length; i++)
        chunks.push(bytes.subarray(i * CHUNK, (i + 1) * CHUNK));
      await client.query({ ...INSERT_CHUNKS, values: [blobKey, no, byteaArray(chunks)] });
    }
  });
  return { blobKey };
}

async function sizeOf(pool: pg.Pool, blobKey: string): Promise<number> {
  const { rows } = await pool.query<{ size: string }>({
    name: 'blobstore.size',
    text: 'select size from blobstore.blob where key = $1',
    values: [blobKey],
  });
  const row = rows[0];
  if (row === undefined) throw new Error(`no body is stored under the key ${blobKey}`);
  return Number(row.size);
}

async function get(pool: pg.Pool, blobKey: string): Promise<Buffer> {
  return read(pool, blobKey, 0, await sizeOf(pool, blobKey));
}

async function getRange(pool: pg.Pool, blobKey: string, start: number, end: number): Promise<Buffer> {
  const size = await sizeOf(pool, blobKey);
  const from = Math.max(0, Math.min(start, size));
  return read(pool, blobKey, from, Math.max(from, Math.min(end, size)));
}

async function read(pool: pg.Pool, blobKey: string, start: number, end: number): Promise<Buffer> {
  const out = Buffer.allocUnsafe(end - start);
  let at = start;
  while (at < end) {
    const first = Math.floor(at / CHUNK);
    const last = Math.min(first + CHUNKS_PER_CALL - 1, Math.floor((end - 1) / CHUNK));
    const { rows } = await pool.query<{ no: number; data: Buffer }>({
      name: 'blobstore.read',
      text: 'select no, data from blobstore.chunk where key = $1 and no between $2 and $3 order by no',
      values: [blobKey, first, last],
    });
    if (rows.length !== last - first + 1) throw new Error(`the body ${blobKey} lost a chunk`);
    for (const { no, data } of rows) {
      const piece = data.subarray(Math.max(0, start - no * CHUNK), Math.min(data.length, end - no * CHUNK));
      at += piece.copy(out, at - start);
    }
  }
  return out;
}

/**
 * Mark and sweep: asks the referrers about a page of old bodies, then deletes those that still are
 * old. A put that comes between touches its row, and the second look at `touched_at` spares it.
 */
async function sweep(pool: pg.Pool, options: SweepOptions): Promise<number> {
  const { rows } = await pool.query<{ key: string }>({
    name: 'blobstore.old',
    text: `select key from blobstore.blob where touched_at < now() - make_interval(secs => $1)
           order by touched_at limit $2`,
    values: [options.graceMs / 1000, options.limit ?? 1000],
  });
  const old = rows.map((row) => row.key);
  if (old.length === 0) return 0;
  const kept = new Set(await options.stillReferenced(old));
  const gone = old.filter((key) => !kept.has(key));
  return transaction(pool, async (client) => {
    // What is still referred to moves to the end of the line, so that every sweep sees others.
    await client.query('update blobstore.blob set touched_at = now() where key = any($1)', [[...kept]]);
    const { rows: deleted } = await client.query<{ key: string }>(
      `with doomed as (select key from blobstore.blob
          where key = any($1) and touched_at < now() - make_interval(secs => $2) order by key for update skip locked)
       delete from blobstore.blob b using doomed d where b.key = d.key returning b.key`,
      [gone, options.graceMs / 1000],
    );
    await client.query('delete from blobstore.chunk where key = any($1)', [deleted.map((row) => row.key)]);
    return deleted.length;
  });
}
