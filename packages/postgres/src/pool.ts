import pg from 'pg';
import Type from 'typebox';

/** Settings of every agent that speaks to Postgres. */
export const PostgresSettings = {
  WAYBILL_DATABASE_URL: Type.String({
    description:
      "Connection string of this agent's own login role, e.g. postgres://waybill_mx:…@db:5432/waybill",
    secret: true,
  }),
  WAYBILL_DATABASE_POOL: Type.Integer({
    default: 8,
    minimum: 1,
    maximum: 100,
    description: 'Most connections of this process to Postgres',
  }),
};

/**
 * A pool whose clients survive the loss of the server: a connection that breaks is dropped and the
 * next query opens a new one. Waiting for a connection is bounded (5 s), so callers can answer 451.
 */
export function openPool(
  url: string,
  options: { readonly size?: number; readonly name?: string } = {},
): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.size ?? 8,
    application_name: options.name ?? 'waybill',
    connectionTimeoutMillis: 5000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
  });
  // Without a listener an idle client's ECONNRESET would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
  });
  return pool;
}

/** Runs `work` in one transaction on one client; rolls back when it throws. */
export async function transaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((lost: Error) => {
      broken = lost;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/** A bytea[] parameter as one binary array, which costs a copy and no hex. Use with `$n::bytea[]`. */
export function byteaArray(items: readonly (Buffer | null)[]): Buffer {
  let size = 20;
  for (const item of items) size += 4 + (item?.length ?? 0);
  const out = Buffer.allocUnsafe(size);
  out.writeInt32BE(1, 0); // dimensions
  out.writeInt32BE(items.includes(null) ? 1 : 0, 4);
  out.writeInt32BE(17, 8); // element type: bytea
  out.writeInt32BE(items.length, 12);
  out.writeInt32BE(1, 16); // lower bound
  let at = 20;
  for (const item of items) {
    out.writeInt32BE(item === null ? -1 : item.length, at);
    at += 4;
    if (item !== null) at += item.copy(out, at);
  }
  return items.length === 0 ? Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17]) : out;
}
