import type pg from 'pg';
import { Batcher, plainArray } from '@waybill/postgres';
import { checkAccountId } from './account-id.ts';
import type { AccountRef, ChangeSignal, DeliverItem, DeliverVerdict, DeliveryStore } from './contract.ts';
import { arrange, type Filed, parameters, refusedByQuota, storedVerdict } from './deliver/arrange.ts';

/**
 * The mda's door. It promises: a verdict 'stored' or 'duplicate' means that the message is
 * committed in its mailbox, once; any other verdict, or a rejection, means that this call did not
 * file it (after a lost connection it may be filed all the same: the same delivery id asked again
 * tells).
 */
export interface DeliveryStoreOptions {
  /** Told after each commit. */
  readonly signal: ChangeSignal;
  /** Most messages of one transaction; 50 when not given. */
  readonly batchLimit?: number;
  /** Transactions in flight; one makes the largest batches. */
  readonly parallel?: number;
}

/** What mailstore.deliver answers: see migrations/0002-deliver.sql. */
interface Answer extends Filed {
  readonly trouble: 'unknown' | 'removed' | 'recorded' | 'full' | 'no-junk' | null;
  readonly which: readonly number[];
  readonly used_bytes: readonly string[];
  readonly used_messages: readonly string[];
}

/** Octets of bodies and summaries in one transaction. */
const BATCH_BYTES = 1024 * 1024;

const DELIVER = {
  name: 'mailstore.deliver',
  text: `select trouble, which, used_bytes, used_messages, modseq, first_email, mailbox_id, first_uid
    from mailstore.deliver($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::int[], $6::int[], $7::boolean[],
      $8::int[], $9::bigint[], $10::int[], $11::int[], $12::int[], $13::int[], $14::uuid[], $15::int[], $16::float8[],
      $17::text[], $18::bytea[], $19::bytea[], $20::bytea[])`,
};
const ENSURE = {
  name: 'mailstore.ensure_accounts',
  text: 'select mailstore.ensure_accounts($1::bigint[], $2::bigint[], $3::bigint[])',
};
const ENSURE_JUNK = { name: 'mailstore.ensure_junk', text: 'select mailstore.ensure_junk($1::bigint[])' };
const IS_DELIVERED = {
  name: 'mailstore.is_delivered',
  text: 'select from mailstore.delivered where account_id = $1 and delivery_id = $2',
};

/** @param pool logged in as mda */
export function openDeliveryStore(pool: pg.Pool, options: DeliveryStoreOptions): DeliveryStore {
  const batcher = new Batcher<DeliverItem, DeliverVerdict>({
    run: (items) => deliverBatch(pool, options.signal, items),
    limit: options.batchLimit ?? 50,
    maxBytes: BATCH_BYTES,
    sizeOf: (item) =>
      item.prefix.length + item.summary.length + ('inline' in item.body ? item.body.inline.length : 0),
    parallel: options.parallel ?? 1,
  });
  return {
    async deliver(item) {
      checkAccountId(item.account.accountId);
      return batcher.add(item);
    },
    async isDelivered(accountId, deliveryId) {
      const { rowCount } = await pool.query({
        ...IS_DELIVERED,
        values: [checkAccountId(accountId), deliveryId],
      });
      return rowCount === 1;
    },
  };
}

/**
 * Files many items in one transaction and answers for each, in order. What the store reports as
 * out of the ordinary is settled and the rest sent again; every round makes an account or
 * its Junk, moves a group to INBOX or answers an item, so there are few.
 */
export async function deliverBatch(
  pool: pg.Pool,
  signal: ChangeSignal,
  items: readonly DeliverItem[],
): Promise<DeliverVerdict[]> {
  const verdicts: (DeliverVerdict | undefined)[] = Array.from({ length: items.length });
  const { leaders, twins } = pairTwins(items);
  const plain = new Set<number>();
  /** Accounts that were without Junk once in this batch. */
  const junkless = new Set<string>();
  let open = leaders;
  for (let round = 0; open.length > 0; round++) {
    if (round > 3 * items.length + 5) throw new Error('a batch of deliveries does not settle');
    const batch = arrange(items, open, plain);
    const { rows } = await pool.query<Answer>({ ...DELIVER, values: parameters(batch) });
    const answer = rows[0]!;
    const which = new Set((answer.which ?? []).map((index) => index - 1));
    switch (answer.trouble) {
      case null:
        for (const place of batch.items) verdicts[place.index] = storedVerdict(place, answer);
        signal.publish(batch.accounts.map((entry) => entry.account.accountId));
        open = [];
        break;
      case 'unknown':
        await ensureAccounts(
          pool,
          [...which].map((slot) => batch.accounts[slot]!.account),
        );
        break;
      case 'removed':
        for (const place of batch.items)
          if (which.has(place.slot)) verdicts[place.index] = { status: 'no-such-account' };
        break;
      case 'recorded':
        batch.items.forEach((place, i) => {
          if (which.has(i)) verdicts[place.index] = { status: 'duplicate' };
        });
        break;
      case 'full':
        [...which].forEach((slot, i) => {
          const used = [Number(answer.used_bytes[i]), Number(answer.used_messages[i])] as const;
          for (const index of refusedByQuota(batch, slot, ...used))
            verdicts[index] = { status: 'over-quota' };
        });
        break;
      case 'no-junk':
        await makeJunk(
          pool,
          batch.items.filter((place) => which.has(place.group)),
          junkless,
          plain,
        );
        break;
    }
    open = open.filter((index) => verdicts[index] === undefined);
  }
  for (const [twin, leader] of twins) {
    const verdict = verdicts[leader]!;
    verdicts[twin] = verdict.status === 'stored' ? { status: 'duplicate' } : verdict;
  }
  return verdicts as DeliverVerdict[];
}

/** Makes the missing mailbox, once; an account that can have none gets its junk in INBOX. */
async function makeJunk(
  pool: pg.Pool,
  places: readonly { readonly index: number; readonly item: DeliverItem }[],
  junkless: Set<string>,
  plain: Set<number>,
): Promise<void> {
  const make = new Set<string>();
  for (const { index, item } of places) {
    const { accountId } = item.account;
    if (junkless.has(accountId)) plain.add(index);
    else make.add(accountId);
  }
  for (const accountId of make) junkless.add(accountId);
  if (make.size > 0) await pool.query({ ...ENSURE_JUNK, values: [plainArray([...make])] });
}

/** Items of one batch with the same account and delivery id are one delivery: the first leads. */
function pairTwins(items: readonly DeliverItem[]): { leaders: number[]; twins: [number, number][] } {
  const first = new Map<string, number>();
  const leaders: number[] = [];
  const twins: [number, number][] = [];
  items.forEach((item, index) => {
    const key = `${item.deliveryId.toLowerCase()} ${item.account.accountId}`;
    const leader = first.get(key);
    if (leader === undefined) {
      first.set(key, index);
      leaders.push(index);
    } else twins.push([index, leader]);
  });
  return { leaders, twins };
}

/** Makes the rows of accounts that have none, with their default mailboxes. */
export async function ensureAccounts(pool: pg.Pool, accounts: readonly AccountRef[]): Promise<void> {
  await pool.query({
    ...ENSURE,
    values: [
      plainArray(accounts.map((account) => account.accountId)),
      plainArray(accounts.map((account) => account.quotaBytes)),
      plainArray(accounts.map((account) => account.quotaMessages)),
    ],
  });
}
