import { byteaArray, plainArray, textArray } from '@waybill/postgres';
import { compareAccountIds } from '../account-id.ts';
import type { AccountRef, DeliverItem, DeliverVerdict } from '../contract.ts';
import { epochSeconds } from '../epoch.ts';

/**
 * A batch of deliveries laid out as the arrays that mailstore.deliver takes. Pure: which item is
 * the how-manieth of its account and mailbox is decided here, what these start from there.
 */
export interface Arrangement {
  /** Accounts of the batch, ascending. */
  readonly accounts: readonly AccountSlot[];
  readonly groups: readonly Group[];
  /** The items as sent, in order. */
  readonly items: readonly Place[];
}

interface AccountSlot {
  readonly account: AccountRef;
  bytes: number;
  messages: number;
}

interface Group {
  readonly slot: number;
  readonly junk: boolean;
  bytes: number;
  messages: number;
}

/** Where an item stands: all indexes from 0. */
interface Place {
  /** Its index among the items that the caller gave. */
  readonly index: number;
  readonly item: DeliverItem;
  readonly slot: number;
  readonly group: number;
  readonly nth: number;
  readonly groupNth: number;
  readonly size: number;
}

/** What mailstore.deliver answers when all is filed; one entry per account or group. */
export interface Filed {
  readonly modseq: readonly string[];
  readonly first_email: readonly string[];
  readonly mailbox_id: readonly number[];
  readonly first_uid: readonly string[];
}

export function sizeOf(item: DeliverItem): number {
  return item.prefix.length + ('inline' in item.body ? item.body.inline.length : item.body.size);
}

/** @param open the items to send, by index. @param plain those that go to INBOX because their account has no Junk. */
export function arrange(
  items: readonly DeliverItem[],
  open: readonly number[],
  plain: ReadonlySet<number>,
): Arrangement {
  const refs = new Map<string, AccountRef>();
  for (const index of open) refs.set(items[index]!.account.accountId, items[index]!.account);
  const accounts = [...refs.values()]
    .sort((a, b) => compareAccountIds(a.accountId, b.accountId))
    .map((account) => ({ account, bytes: 0, messages: 0 }));
  const slots = new Map(accounts.map((entry, slot) => [entry.account.accountId, slot]));
  const groups: Group[] = [];
  const groupOf = new Map<number, number>();
  const places = open.map((index) => {
    const item = items[index]!;
    const slot = slots.get(item.account.accountId)!;
    const entry = accounts[slot]!;
    const junk = item.target === 'junk' && !plain.has(index);
    const key = slot * 2 + (junk ? 1 : 0);
    let group = groupOf.get(key);
    if (group === undefined) {
      group = groups.push({ slot, junk, bytes: 0, messages: 0 }) - 1;
      groupOf.set(key, group);
    }
    const size = sizeOf(item);
    const target = groups[group]!;
    const place = { index, item, slot, group, nth: entry.messages, groupNth: target.messages, size };
    entry.bytes += size;
    entry.messages++;
    target.bytes += size;
    target.messages++;
    return place;
  });
  return { accounts, groups, items: places };
}

/** The parameters of mailstore.deliver; indexes count from 1 there, positions from 0. */
export function parameters({ accounts, groups, items }: Arrangement): unknown[] {
  return [
    plainArray(accounts.map((entry) => entry.account.accountId)),
    plainArray(accounts.map((entry) => entry.account.quotaBytes)),
    plainArray(accounts.map((entry) => entry.account.quotaMessages)),
    plainArray(accounts.map((entry) => entry.bytes)),
    plainArray(accounts.map((entry) => entry.messages)),
    plainArray(groups.map((group) => group.slot + 1)),
    plainArray(groups.map((group) => group.junk)),
    plainArray(groups.map((group) => group.messages)),
    plainArray(groups.map((group) => group.bytes)),
    plainArray(items.map((place) => place.slot + 1)),
    plainArray(items.map((place) => place.group + 1)),
    plainArray(items.map((place) => place.nth)),
    plainArray(items.map((place) => place.groupNth)),
    plainArray(items.map((place) => place.item.deliveryId)),
    plainArray(items.map((place) => place.size)),
    plainArray(items.map((place) => epochSeconds(place.item.sentAt))),
    textArray(items.map(({ item }) => ('inline' in item.body ? null : item.body.blobKey))),
    byteaArray(items.map((place) => place.item.prefix)),
    byteaArray(items.map(({ item }) => ('inline' in item.body ? item.body.inline : null))),
    byteaArray(items.map((place) => place.item.summary)),
  ];
}

/** Where each item of the arrangement went. */
export function storedVerdict(place: Place, filed: Filed): DeliverVerdict {
  return {
    status: 'stored',
    uid: Number(filed.first_uid[place.group]) + place.groupNth,
    mailboxId: filed.mailbox_id[place.group]!,
    emailId: String(Number(filed.first_email[place.slot]) + place.nth),
    modseq: Number(filed.modseq[place.slot]),
  };
}

/**
 * Which items of an account no longer fit: they are taken in order, and one that is too large does
 * not keep a smaller one behind it out.
 */
export function refusedByQuota(
  arrangement: Arrangement,
  slot: number,
  usedBytes: number,
  usedMessages: number,
): number[] {
  const { quotaBytes, quotaMessages } = arrangement.accounts[slot]!.account;
  let bytes = usedBytes;
  let messages = usedMessages;
  const refused: number[] = [];
  for (const place of arrangement.items) {
    if (place.slot !== slot) continue;
    const fits =
      (quotaBytes === 0 || bytes + place.size <= quotaBytes) &&
      (quotaMessages === 0 || messages + 1 <= quotaMessages);
    if (fits) {
      bytes += place.size;
      messages++;
    } else refused.push(place.index);
  }
  return refused;
}
