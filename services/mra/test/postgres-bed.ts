/** Replicas of the IMAP server over one real Postgres, and the mda's door to put mail in. */
import { randomUUID } from 'node:crypto';
import { blobstoreSchema } from '@waybill/blobstore';
import { testDatabase } from '@waybill/lab';
import {
  type DeliveryStore,
  mailstoreSchema,
  openDeliveryStore,
  openReaderStore,
  openSignal,
  type ReaderStore,
} from '@waybill/mailstore';
import { encodeSummary, summarise } from '@waybill/message';
import { openPool } from '@waybill/postgres';
import { type Bed, openBed } from './bed.ts';

export interface Replicas extends AsyncDisposable {
  readonly beds: readonly Bed<ReaderStore>[];
  /** Files it in INBOX as the mda does. */
  deliver(accountId: string, message: string): Promise<void>;
}

export async function openReplicas(count: number): Promise<Replicas> {
  const stack = new AsyncDisposableStack();
  const db = stack.use(await testDatabase([blobstoreSchema, mailstoreSchema]));
  const signalOf = (agent: string) =>
    stack.adopt(openSignal({ postgresUrl: db.urlAs(agent) }), (open) => open.close());
  const poolOf = (agent: string) =>
    stack.adopt(openPool(db.urlAs(agent), { size: 4, name: agent }), (open) => open.end());
  const deliveries: DeliveryStore = openDeliveryStore(poolOf('mda'), { signal: signalOf('mda') });
  const beds: Bed<ReaderStore>[] = [];
  for (let n = 0; n < count; n += 1) {
    const signal = signalOf('mra');
    const store = openReaderStore(poolOf('mra'), { signal });
    beds.push(stack.use(await openBed({ store, signal })));
  }
  return {
    beds,
    async deliver(accountId, message) {
      const body = Buffer.from(message, 'latin1');
      const summary = summarise(body);
      const verdict = await deliveries.deliver({
        account: { accountId, quotaBytes: 0, quotaMessages: 0 },
        deliveryId: randomUUID(),
        prefix: Buffer.from('Return-Path: <sender@red.test>\r\n'),
        body: { inline: body },
        summary: encodeSummary(summary),
        sentAt: summary.sentAt === null ? null : new Date(summary.sentAt),
        target: 'inbox',
      });
      if (verdict.status !== 'stored') throw new Error(`not stored: ${verdict.status}`);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
