import { hash } from 'node:crypto';
import {
  createPostgresBackend,
  type Job,
  Queue,
  runMigrations,
  Worker,
  type QueueOptions,
  type WorkerOptions,
} from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { openPool } from '@waybill/postgres';

/**
 * Where kicks lie: a BullMQ queue, in Redis or in Postgres. Both are used through the same calls,
 * and neither holds anything that may not be lost.
 */
export type KickWhere =
  | { readonly backend: 'redis'; readonly url: string }
  | { readonly backend: 'postgres'; readonly url: string };

const QUEUE = 'mta';

/** A job that nobody renews is given to another worker after this long: a killed mta holds up no destination for more than seconds. */
const LOCK_MS = 6000;
const STALLED_CHECK_MS = 3000;

interface Line {
  readonly connection: QueueOptions['connection'];
  readonly factory: typeof createPostgresBackend | undefined;
  /** Ends attempts to reach a server that is away: BullMQ's own close would wait for them. */
  giveUp(): void;
  close(): Promise<void>;
}

/** A producer fails at once while the server is away (its kick is not worth keeping); a worker waits. */
function openLine(where: KickWhere, as: 'producer' | 'worker', onError: () => void): Line {
  if (where.backend === 'postgres') {
    // The listening connection of a worker is one of the pool's.
    const pool = openPool(inSchema(where.url), { size: as === 'worker' ? 4 : 2, name: `waybill-kick-${as}` });
    // eslint-disable-next-line typescript/no-unsafe-type-assertion
    return {
      connection: pool as never,
      factory: createPostgresBackend,
      giveUp: () => undefined,
      close: () => pool.end(),
    };
  }
  const redis = new Redis(where.url, {
    maxRetriesPerRequest: null,
    enableOfflineQueue: as === 'worker',
    retryStrategy: (times) => Math.min(100 * times, 2000),
    connectTimeout: 5000,
    ...(as === 'producer' ? { commandTimeout: 5000 } : {}),
  });
  redis.on('error', onError);
  // BullMQ makes its blocking connection from ours, and leaves it trying when it closes in an outage.
  const connections = [redis];
  const duplicate = redis.duplicate.bind(redis);
  redis.duplicate = (override) => {
    const made = duplicate(override);
    made.on('error', onError);
    connections.push(made);
    return made;
  };
  const disconnect = (): void => {
    for (const connection of connections) connection.disconnect();
  };
  return {
    connection: redis,
    factory: undefined,
    giveUp: () => {
      if (connections.some((connection) => connection.status !== 'ready')) disconnect();
    },
    close: () => {
      disconnect();
      return Promise.resolve();
    },
  };
}

/** BullMQ's functions name their tables without a schema; an `options=` of the URL itself is kept. */
function inSchema(url: string): string {
  const parsed = new URL(url);
  const given = parsed.searchParams.get('options');
  parsed.searchParams.set('options', `${given === null ? '' : `${given} `}-c search_path=bullmq`);
  return parsed.href;
}

/** No ":" may stand in BullMQ's ids, and a destination may be long: its digest names it. */
function nameOf(destination: string): string {
  return hash('sha256', destination, 'base64url').slice(0, 22);
}

export interface KickQueue {
  /** One job per destination waits; one more is kept while one runs. @throws when the server is away */
  add(destination: string): Promise<void>;
  close(): Promise<void>;
}

export function openKickQueue(where: KickWhere, onError: () => void): KickQueue {
  const line = openLine(where, 'producer', onError);
  const queue = new Queue(
    QUEUE,
    { connection: line.connection, skipMetasUpdate: true },
    line.factory as never,
  );
  queue.on('error', onError);
  return {
    async add(destination) {
      await queue.add(
        'kick',
        { v: 1, destination },
        {
          attempts: 1,
          removeOnComplete: true,
          removeOnFail: true,
          deduplication: { id: nameOf(destination), keepLastIfActive: true },
        },
      );
    },
    async close() {
      line.giveUp();
      await queue.close().catch(onError);
      await line.close();
    },
  };
}

export interface KickRun {
  /** Rejects when the server could not be reached at the start; resolves when the run has ended. */
  readonly ended: Promise<void>;
  /** Takes no more kicks, waits for those in hand. */
  close(): Promise<void>;
}

/**
 * BullMQ gives a worker that finishes a job the next one along with the answer. A kick that came meanwhile
 * would so go to the same worker again and again, and a new replica would get none: here the kick goes
 * back to the queue, and to whoever has waited for longest.
 */
class FairWorker extends Worker {
  override processJob(job: Job, token: string): Promise<undefined | Job> {
    return super.processJob(job, token, () => false) as Promise<undefined | Job>;
  }
}

/** Runs `handle` for each kick, `concurrency` at a time. */
export function runKicks(
  where: KickWhere,
  concurrency: number,
  handle: (destination: string) => Promise<void>,
  onError: () => void,
): KickRun {
  const line = openLine(where, 'worker', onError);
  const options: WorkerOptions = {
    connection: line.connection,
    concurrency,
    autorun: false,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_CHECK_MS,
    maxStalledCount: 1_000_000,
    drainDelay: 5,
    runRetryDelay: 1000,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  };
  const worker = new FairWorker(
    QUEUE,
    async (job: { data: unknown }) => {
      const destination = (job.data as { destination?: unknown } | null)?.destination;
      if (typeof destination === 'string') await handle(destination);
    },
    options,
    line.factory as never,
  );
  worker.on('error', onError);
  const { promise: closed, resolve: setClosed } = Promise.withResolvers<void>();
  const started = worker.waitUntilReady().then(() => worker.run());
  return {
    // A worker that never reached its server never ends by itself.
    ended: Promise.race([started, closed]),
    async close() {
      line.giveUp();
      await worker.close().catch(onError);
      await line.close();
      setClosed();
    },
  };
}

/**
 * Makes BullMQ's tables in schema `bullmq` and lets the agents that kick use them.
 * @param adminUrl the owner's or a superuser's connection string
 */
export async function migrateKicks(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await runMigrations(client as never);
    // The sequence of job ids is made at first use, by whoever comes first, who would own it.
    await client.query('select bullmq.next_job_id($1)', [QUEUE]);
    const agents = 'waybill_msa, waybill_mx, waybill_mta';
    await client.query(`
      grant usage on schema bullmq to ${agents};
      grant select, insert, update, delete on all tables in schema bullmq to ${agents};
      grant usage, select, update on all sequences in schema bullmq to ${agents};
      grant execute on all functions in schema bullmq to ${agents}`);
  } finally {
    await client.end();
  }
}
