import { randomBytes } from 'node:crypto';
import path from 'node:path';
import pg from 'pg';
import { PostgresServer } from './postgres-server.ts';

/** The lab's Postgres: one cluster, one database, a login per agent; started again when it dies. */
export interface LabDatabase extends AsyncDisposable {
  /** Superuser's connection string. */
  readonly url: string;
  readonly pid: number;
  urlAs(role: string): string;
  /** Recipients that are not finished; `due` of them are leased or due now. Negative while the database is away. */
  openRecipients(): Promise<{ open: number; due: number }>;
  /** Stops it as a crash would and resolves when it answers again. */
  crash(): Promise<void>;
}

export interface LabDatabaseOptions {
  readonly migrate: (adminUrl: string, passwords: (role: string) => string | undefined) => Promise<void>;
  readonly onLine: (line: string) => void;
  readonly onRestart: () => void;
}

const NAME = 'waybill';

export async function openLabDatabase(dataDir: string, options: LabDatabaseOptions): Promise<LabDatabase> {
  const folder = path.join(dataDir, 'postgres');
  let closing = false;
  let restarting: Promise<void> | undefined;
  const back: (() => void)[] = [];
  const launch = (port?: number): Promise<PostgresServer> =>
    PostgresServer.start({
      dataDir: folder,
      ...(port === undefined ? {} : { port }),
      onOutput: (text) => options.onLine(text.trimEnd()),
      onExit: () => {
        if (!closing) restarting = restart();
      },
    });
  let server = await launch();
  const { port } = server;
  const restart = async (): Promise<void> => {
    while (!closing) {
      try {
        server = await launch(port);
        options.onRestart();
        for (const done of back.splice(0)) done();
        return;
      } catch (error) {
        options.onLine(`cannot start again: ${(error as Error).message}`);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  };
  const url = server.urlOf(NAME);
  const password = randomBytes(15).toString('base64url');
  try {
    await ensureDatabase(server.url);
    await options.migrate(url, () => password);
  } catch (error) {
    closing = true;
    await server.stop();
    throw error;
  }
  let client: pg.Client | undefined;
  return {
    url,
    get pid() {
      return server.pid;
    },
    urlAs(role) {
      const as = new URL(url);
      as.username = `waybill_${role}`;
      as.password = password;
      return as.href;
    },
    async openRecipients() {
      try {
        if (client === undefined) {
          client = new pg.Client({ connectionString: url, application_name: 'lab' });
          client.on('error', () => undefined);
          client.on('end', () => (client = undefined));
          await client.connect();
        }
        const { rows } = await client.query<{ open: string; due: string }>(
          `select count(*) as open, count(*) filter (where state = 1 or next_at <= spool.now()) as due
             from spool.rcpt where state in (0, 1)`,
        );
        return { open: Number(rows[0]?.open ?? 0), due: Number(rows[0]?.due ?? 0) };
      } catch {
        client = undefined;
        return { open: -1, due: -1 }; // the database is away: not known to be quiet
      }
    },
    async crash() {
      const again = new Promise<void>((resolve) => back.push(resolve));
      server.crash();
      await again;
    },
    async [Symbol.asyncDispose]() {
      closing = true;
      for (const done of back.splice(0)) done();
      // One that is just starting is stopped too.
      await restarting;
      await client?.end().catch(() => undefined);
      await server.stop();
    },
  };
}

async function ensureDatabase(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [NAME]);
    if (rowCount === 0) await client.query(`create database ${NAME}`);
  } finally {
    await client.end();
  }
}
