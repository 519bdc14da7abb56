/** What the tests of mda stand on: a real store, a directory in a few lines, and events that are remembered. */
import { randomUUID } from 'node:crypto';
import type { Auth, Resolution } from '@waybill/auth-client';
import { blobstoreSchema, openBlobstore } from '@waybill/blobstore';
import { testDatabase } from '@waybill/lab';
import { Networks } from '@waybill/listener';
import { mailstoreSchema, openDeliveryStore } from '@waybill/mailstore';
import { openPool } from '@waybill/postgres';
import type { Peer } from '@waybill/smtp/server';
import type pg from 'pg';
import type { Events } from '../src/events.ts';
import type { MdaSessionOptions } from '../src/session.ts';

export const AGENT: Peer = {
  address: '192.0.2.1',
  port: 40_000,
  sessionId: 's1',
  tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' },
  agent: 'mta',
};

/** `u<n>@blue.test` is account n; `small@blue.test` is account 900 with room for one message; the rest can be set. */
export class Directory implements Pick<Auth, 'resolveOne'> {
  readonly answers = new Map<string, Resolution>();

  resolveOne(address: string): Promise<Resolution> {
    const set = this.answers.get(address);
    if (set !== undefined) return Promise.resolve(set);
    const [local = '', domain] = address.split('@');
    if (domain !== 'blue.test') return Promise.resolve({ status: 'not-ours' });
    if (local === 'small') return Promise.resolve(mailbox('900', 1));
    const plain = local.split('+', 1)[0] ?? '';
    return Promise.resolve(/^u\d+$/.test(plain) ? mailbox(plain.slice(1)) : { status: 'unknown' });
  }
}

export function mailbox(accountId: string, quotaMessages = 0): Resolution {
  const account = { accountId, address: `u${accountId}@blue.test`, quotaBytes: 0, quotaMessages };
  return { status: 'mailbox', account, route: 'local' };
}

export function rememberedEvents(): Events & { readonly said: string[] } {
  const said: string[] = [];
  const say =
    (word: string) =>
    (...about: unknown[]): void => {
      const error = about.find((item) => item instanceof Error);
      said.push(error === undefined ? word : `${word}: ${error.message}`);
    };
  return {
    said,
    coming: () => undefined,
    taken: () => undefined,
    filed: (_filing, verdict) => void said.push(verdict.status),
    failed: say('failed'),
    refused: say('refused'),
    stranger: say('stranger'),
    poison: say('poison'),
    trouble: say('trouble'),
    swept: say('swept'),
    connectionRefused: say('connection refused'),
    sessionError: say('session error'),
  };
}

export interface Row {
  readonly account: string;
  readonly prefix: string;
  readonly body: string | null;
  readonly blobKey: string | null;
  readonly summary: Buffer;
}

export interface Bed extends AsyncDisposable {
  readonly directory: Directory;
  readonly events: ReturnType<typeof rememberedEvents>;
  readonly options: MdaSessionOptions;
  /** What lies in the store, in the order of account and arrival. */
  rows(): Promise<Row[]>;
  readonly pool: pg.Pool;
}

export async function openBed(): Promise<Bed> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await testDatabase([blobstoreSchema, mailstoreSchema]));
  const pool = stack.adopt(openPool(database.urlAs('mda'), { size: 4 }), (open) => open.end());
  const directory = new Directory();
  const events = rememberedEvents();
  const signal = {
    publish: () => undefined,
    subscribe: () => () => undefined,
    close: () => Promise.resolve(),
  };
  const options: MdaSessionOptions = {
    auth: directory,
    store: openDeliveryStore(pool, { signal }),
    blobs: openBlobstore(pool),
    events,
    foreign: new Networks('198.51.100.0/24'),
    inlineBytes: 32 * 1024,
  };
  const open = stack.move();
  return {
    directory,
    events,
    options,
    pool,
    async rows() {
      const { rows } = await pool.query<{
        account: string;
        prefix: Buffer;
        body: Buffer | null;
        blob_key: string | null;
        summary: Buffer;
      }>(
        `select account_id as account, prefix, body, blob_key, summary from mailstore.email order by account_id, email_id`,
      );
      return rows.map((row) => ({
        account: row.account,
        prefix: row.prefix.toString(),
        body: row.body?.toString('latin1') ?? null,
        blobKey: row.blob_key,
        summary: row.summary,
      }));
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** RCPT parameters as the mta sends them. */
export function fromMta(accountId: string, deliveryId: string = randomUUID()) {
  return { deliveryId, accountId, journeyId: randomUUID() };
}
