import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { migrate, type SchemaSource } from '@waybill/postgres';
import { PostgresServer, temporaryFolder } from './postgres-server.ts';

/**
 * A fresh database on a real PostgreSQL for one test file.
 *
 *     const db = await testDatabase(t ?? undefined, [spoolSchema]);
 *     after(() => db[Symbol.asyncDispose]());
 *     db.url            // superuser
 *     db.urlAs('mta')   // the login role of an agent, with only its grants
 *
 * The cluster is the one that the test runner started (WAYBILL_TEST_POSTGRES), or an own one.
 */
export interface TestDatabase extends AsyncDisposable {
  /** As superuser. */
  readonly url: string;
  /** As `waybill_<agent>`: the roles that the migrations grant to. */
  urlAs(agent: string): string;
}

export async function testDatabase(schemas: readonly SchemaSource[] = []): Promise<TestDatabase> {
  const given = process.env['WAYBILL_TEST_POSTGRES'];
  let own: PostgresServer | undefined;
  let folder: string | undefined;
  if (given === undefined) {
    folder = temporaryFolder();
    own = await PostgresServer.start({ dataDir: path.join(folder, 'pg') });
  }
  const admin = given ?? own?.url ?? '';
  const name = `test_${randomBytes(6).toString('hex')}`;
  await run(admin, `create database ${name}`);
  const url = admin.replace(/\/[^/]*$/, `/${name}`);
  const password = 'test';
  if (schemas.length > 0) await migrate(url, schemas, { passwords: () => password });
  return {
    url,
    urlAs(agent) {
      const as = new URL(url);
      as.username = `waybill_${agent}`;
      as.password = password;
      return as.href;
    },
    async [Symbol.asyncDispose]() {
      if (own === undefined) await run(admin, `drop database if exists ${name} with (force)`);
      else await own.stop('immediate');
      if (folder !== undefined) fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function run(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
