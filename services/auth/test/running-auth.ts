import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { AuthClient, type AuthClientOptions, DirectoryClient } from '@waybill/auth-client';
import { type Context, Metrics } from '@waybill/daemon';
import { CertificateAuthority, temporaryFolder, testDatabase, type TestDatabase } from '@waybill/lab';
import { signingSchema } from '@waybill/signing';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { AuthSettings } from '../src/config.ts';
import { directorySchema } from '../src/schema.ts';
import { start } from '../src/start.ts';

/** A running auth on a database of its own, and clients with certificates of any name. */
export interface RunningAuth extends AsyncDisposable {
  readonly db: TestDatabase;
  readonly port: number;
  readonly folder: string;
  readonly authority: CertificateAuthority;
  readonly lines: Record<string, unknown>[];
  readonly metrics: Metrics;
  clientAs(agent: string, options?: Partial<AuthClientOptions>): Promise<AuthClient>;
  operator(agent?: string): Promise<DirectoryClient>;
}

/** @param beside a running one whose database and authority this one shares: another replica */
export async function startAuth(
  settings: Record<string, unknown> = {},
  beside?: RunningAuth,
): Promise<RunningAuth> {
  await using stack = new AsyncDisposableStack();
  const db = beside?.db ?? stack.use(await testDatabase([directorySchema, signingSchema]));
  const folder = stack.adopt(temporaryFolder(), (at) => fs.rmSync(at, { recursive: true, force: true }));
  const authority = beside?.authority ?? (await CertificateAuthority.create('test authority'));
  const own = await authority.issueInto(folder, 'auth', ['auth']);
  fs.writeFileSync(path.join(folder, 'ca.pem'), authority.certificate);
  const metrics = new Metrics('auth');
  const lines: Record<string, unknown>[] = [];
  const line = (fields: Record<string, unknown>): number => lines.push(fields);
  const config = Value.Default(Type.Object(AuthSettings), {
    WAYBILL_DATABASE_URL: db.urlAs('auth'),
    WAYBILL_LISTEN_HOST: '127.0.0.1',
    WAYBILL_AUTH_PORT: 0,
    WAYBILL_TLS_CA_FILE: path.join(folder, 'ca.pem'),
    WAYBILL_TLS_CERT_FILE: own.certificateFile,
    WAYBILL_TLS_KEY_FILE: own.keyFile,
    ...settings,
  });
  const context = {
    config,
    metrics,
    log: { debug: line, info: line, warn: line, error: line },
    instance: randomBytes(4).toString('hex'),
    hostname: 'red.test',
    onReload: () => undefined,
    waitFor: async (_what: string, attempt: () => Promise<unknown>) => void (await attempt()),
    stopping: new AbortController().signal,
  } as unknown as Context<typeof AuthSettings>;
  const service = stack.use(await start(context));
  const open = stack.move();
  const addresses = `127.0.0.1:${service.port}`;
  return {
    db,
    port: service.port,
    folder,
    authority,
    lines,
    metrics,
    async clientAs(agent, options = {}) {
      const { certificate, key } = await authority.issue([agent]);
      const client = new AuthClient({
        addresses,
        ca: authority.certificate,
        cert: certificate,
        key,
        positiveMs: 0,
        ...options,
      });
      open.use(client);
      return client;
    },
    async operator(agent = 'operator') {
      const { certificate, key } = await authority.issue([agent]);
      const client = new DirectoryClient({ addresses, ca: authority.certificate, cert: certificate, key });
      open.use(client);
      return client;
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
