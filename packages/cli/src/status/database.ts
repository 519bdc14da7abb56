import { openSpoolUpkeep } from '@waybill/spool';
import type { openPool } from '@waybill/postgres';

/** What Postgres knows of the queue and of those who are connected to it. */
export interface DatabaseStatus {
  readonly queue: {
    readonly queued: number;
    readonly due: number;
    readonly leased: number;
    readonly oldestDueSeconds: number;
    /** Those with the most open recipients, at most ten. */
    readonly destinations: readonly {
      readonly destination: string;
      readonly open: number;
      readonly oldestDueSeconds: number;
    }[];
  };
  readonly connections: {
    readonly used: number;
    /** What Postgres takes from roles that are no superusers. */
    readonly max: number;
    readonly byRole: Readonly<Record<string, number>>;
  };
}

/** @throws the error of Postgres */
export async function readDatabase(pool: ReturnType<typeof openPool>): Promise<DatabaseStatus> {
  const figures = await openSpoolUpkeep(pool).figures();
  const { rows: destinations } = await pool.query<{ destination: string; open: number; oldest: number }>(
    `select destination, count(*)::int as open,
            greatest(0, extract(epoch from spool.now() - min(next_at) filter (where state = 0)))::float8 as oldest
       from spool.rcpt where state in (0, 1) group by 1 order by 2 desc, 1 limit 10`,
  );
  const { rows: roles } = await pool.query<{ role: string; used: number }>(
    `select coalesce(usename, backend_type) as role, count(*)::int as used
       from pg_stat_activity where usename is not null group by 1 order by 1`,
  );
  const { rows: limits } = await pool.query<{ max: number }>(
    `select (current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int) as max`,
  );
  return {
    queue: {
      ...figures,
      destinations: destinations.map(({ destination, open, oldest }) => ({
        destination,
        open,
        oldestDueSeconds: oldest,
      })),
    },
    connections: {
      used: roles.reduce((sum, { used }) => sum + used, 0),
      max: limits[0]?.max ?? 0,
      byRole: Object.fromEntries(roles.map(({ role, used }) => [role, used])),
    },
  };
}
