import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { blobstoreSchema, openBlobstore } from '@waybill/blobstore';
import { type Context, DaemonSettings, loadConfig, type Log, Metrics } from '@waybill/daemon';
import { journeySchema } from '@waybill/journey';
import { CertificateAuthority, temporaryFolder, testDatabase, type TestDatabase } from '@waybill/lab';
import { mailstoreSchema, openDeliveryStore } from '@waybill/mailstore';
import { openPool } from '@waybill/postgres';
import Type from 'typebox';
import { MdaSettings } from '../src/config.ts';
import { start } from '../src/start.ts';
import { sweepJobs } from '../src/sweep-jobs.ts';

/** The spool is another owner's: only its migrations are needed here. */
const spoolSchema = {
  schema: 'spool',
  folder: path.join(import.meta.dirname, '../../../packages/spool/migrations'),
};

let database: TestDatabase;
let folder: string;

before(async () => {
  database = await testDatabase([blobstoreSchema, spoolSchema, mailstoreSchema, journeySchema]);
  folder = temporaryFolder();
});
after(async () => {
  await database[Symbol.asyncDispose]();
  fs.rmSync(folder, { recursive: true, force: true });
});

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function context(): Promise<Context<typeof MdaSettings>> {
  const authority = await CertificateAuthority.open(folder, 'test');
  const own = await authority.issueInto(folder, 'mda', ['mda']);
  const config = loadConfig(Type.Object({ ...MdaSettings, ...DaemonSettings }), {
    WAYBILL_DATABASE_URL: database.urlAs('mda'),
    WAYBILL_LISTEN_HOST: '127.0.0.1',
    WAYBILL_LMTP_PORT: '0',
    WAYBILL_LMTP_NETWORKS: '127.0.0.0/8',
    // Nothing listens there.
    WAYBILL_AUTH: '127.0.0.1:1',
    WAYBILL_AUTH_PATIENCE_MS: '0',
    WAYBILL_AUTH_CA_FILE: path.join(folder, 'ca.pem'),
    WAYBILL_AGENT_CERT_FILE: own.certificateFile,
    WAYBILL_AGENT_KEY_FILE: own.keyFile,
    WAYBILL_TLS_CERT_FILE: own.certificateFile,
    WAYBILL_TLS_KEY_FILE: own.keyFile,
    WAYBILL_TLS_CA_FILE: path.join(folder, 'ca.pem'),
  });
  return {
    config,
    log: silent as unknown as Log,
    metrics: new Metrics('mda'),
    instance: 'mda-test',
    hostname: 'mda.test',
    onReload: () => undefined,
    waitFor: async (_what, attempt) => void (await attempt()),
    stopping: new AbortController().signal,
  } as Context<typeof MdaSettings>;
}

test('mda starts, answers "later" while auth is away, and drains', async () => {
  const service = await start(await context());
  const socket = net.connect(service.port, '127.0.0.1');
  let heard = '';
  const answered = Promise.withResolvers<void>();
  socket.setEncoding('latin1').on('data', (text: string) => {
    heard += text;
    if (heard.includes('\r\n451 ')) answered.resolve();
  });
  socket.write('LHLO x\r\nMAIL FROM:<a@red.test>\r\nRCPT TO:<bob@blue.test>\r\n');
  await answered.promise;
  const closed = once(socket, 'close');
  await service[Symbol.asyncDispose]();
  await closed;
  assert.match(heard, /^220 mda\.test /);
  assert.match(heard, /STARTTLS/);
  assert.match(heard, /\r\n451 4\.3\.0 /);
  assert.match(heard, /\r\n421 4\.3\.2 /);
});

test('a body goes when nothing refers to it, and stays while a mailbox does', async () => {
  await using stack = new AsyncDisposableStack();
  const pool = stack.adopt(openPool(database.urlAs('mda'), { size: 2 }), (open) => open.end());
  const blobs = openBlobstore(pool);
  const signal = {
    publish: () => undefined,
    subscribe: () => () => undefined,
    close: () => Promise.resolve(),
  };
  const [kept, lost] = [await blobs.put(Buffer.from('kept')), await blobs.put(Buffer.from('lost'))];
  const verdict = await openDeliveryStore(pool, { signal }).deliver({
    account: { accountId: '1', quotaBytes: 0, quotaMessages: 0 },
    deliveryId: '01900000-0000-7000-8000-000000000000',
    prefix: Buffer.alloc(0),
    body: { blobKey: kept.blobKey, size: 4 },
    summary: Buffer.alloc(0),
    sentAt: null,
    target: 'inbox',
  });
  assert.equal(verdict.status, 'stored');
  const counts: number[] = [];
  for (const job of sweepJobs(pool, blobs, 0)) counts.push(await job.run(new AbortController().signal));
  assert.deepEqual(counts, [0, 1]);
  assert.equal((await blobs.get(kept.blobKey)).toString(), 'kept');
  await assert.rejects(blobs.get(lost.blobKey));
});
