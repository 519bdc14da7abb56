import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { ensureRoles, type AgentRole } from './roles.ts';

/** Numbered, forward-only SQL files of one owner's schema. */
export interface SchemaSource {
  /** The schema's name; the files create it. */
  readonly schema: string;
  /** Folder of files named `0001-what.sql`. */
  readonly folder: string;
}

interface Migration {
  readonly revision: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/** Key of the advisory lock that lets one migrator work at a time. */
const MIGRATOR_LOCK = 0x57_41_59_42;

/** Reads and orders a schema's files. @throws Error on a gap, a duplicate, or a name without a number. */
export function readMigrations(source: SchemaSource): Migration[] {
  const files = fs
    .readdirSync(source.folder)
    .filter((file) => file.endsWith('.sql'))
    .toSorted();
  return files.map((name, index) => {
    const revision = Number.parseInt(name, 10);
    if (revision !== index + 1)
      throw new Error(`${path.join(source.folder, name)}: expected revision ${index + 1}, found ${name}`);
    const sql = fs.readFileSync(path.join(source.folder, name), 'utf8');
    return { revision, name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
  });
}

/**
 * Brings the schemas to their newest revision, each file in a transaction of its own, under a lock.
 * A file that ran before and has changed since is a fault: migrations are history.
 * @param url a superuser's or owner's connection string
 */
export async function migrate(
  url: string,
  sources: readonly SchemaSource[],
  options: { readonly passwords?: (role: AgentRole) => string | undefined } = {},
): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATOR_LOCK]);
    await withRolesLock(client, () => ensureRoles(client, options.passwords));
    await client.query(`create schema if not exists waybill`);
    await client.query(
      `create table if not exists waybill.migration (
         schema text not null, revision int not null, name text not null, checksum text not null,
         applied_at timestamptz not null default now(), primary key (schema, revision))`,
    );
    for (const role of ['msa', 'mx', 'mta', 'mda', 'mra', 'auth', 'operator']) {
      await client.query(
        `grant usage on schema waybill to waybill_${role}; grant select on waybill.migration to waybill_${role}`,
      );
    }
    for (const source of sources) await migrateSchema(client, source);
  } finally {
    await client.end();
  }
}

/** Roles belong to the cluster, not the database: migrators of two databases would update one row at a time or fail. */
async function withRolesLock(client: pg.Client, work: () => Promise<void>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      const concurrent =
        error instanceof pg.DatabaseError &&
        (error.message.includes('concurrently') || error.code === '40001');
      if (!concurrent || attempt >= 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 50));
    }
  }
}

async function migrateSchema(client: pg.Client, source: SchemaSource): Promise<void> {
  const applied = await client.query<{ revision: number; checksum: string }>(
    'select revision, checksum from waybill.migration where schema = $1',
    [source.schema],
  );
  const known = new Map(applied.rows.map((row) => [row.revision, row.checksum]));
  for (const migration of readMigrations(source)) {
    const before = known.get(migration.revision);
    if (before === migration.checksum) continue;
    if (before !== undefined) {
      throw new Error(
        `${source.schema}/${migration.name} was changed after it had been applied; write a new migration instead`,
      );
    }
    await applyGivingWay(client, source.schema, migration);
  }
}

/** Attempts at one file while agents hold its tables; each waits for a second at most. */
const ATTEMPTS = 60;

/**
 * Runs a file in a transaction of its own. Whoever waits for a whole table holds up all who come
 * after: so the wait is short, and the file gives way and comes again.
 */
async function applyGivingWay(client: pg.Client, schema: string, migration: Migration): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await client.query('begin');
    try {
      await client.query(`set local lock_timeout = '1s'`);
      await client.query(migration.sql);
      await client.query(
        'insert into waybill.migration (schema, revision, name, checksum) values ($1, $2, $3, $4)',
        [schema, migration.revision, migration.name, migration.checksum],
      );
      await client.query('commit');
      return;
    } catch (cause) {
      await client.query('rollback');
      // lock_not_available, deadlock_detected: nothing was changed.
      const held = cause instanceof pg.DatabaseError && (cause.code === '55P03' || cause.code === '40P01');
      if (held && attempt < ATTEMPTS) {
        await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 300));
        continue;
      }
      throw new Error(`migration ${schema}/${migration.name} failed: ${(cause as Error).message}`, { cause });
    }
  }
}

/**
 * Compares the database's revisions with those this code was written for. An older database is
 * refused; a newer one is accepted (migrations expand first and contract a version later).
 * @throws Error that names the schema and the command to run.
 */
export async function checkRevisions(
  pool: { query: pg.Pool['query'] },
  sources: readonly SchemaSource[],
): Promise<void> {
  const found = await pool.query<{ schema: string; revision: number }>(
    'select schema, max(revision)::int as revision from waybill.migration group by schema',
  );
  const have = new Map(found.rows.map((row) => [row.schema, row.revision]));
  for (const source of sources) {
    const wanted = readMigrations(source).length;
    const got = have.get(source.schema) ?? 0;
    if (got < wanted) {
      throw new Error(
        `the database has revision ${got} of schema "${source.schema}", this version needs ${wanted}: run \`waybill migrate\` first`,
      );
    }
  }
}
