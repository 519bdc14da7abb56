import type { MessageRow } from '../contract.ts';

/**
 * Columns of messages as mailstore.pack sends them: each the text of an array of numbers, read
 * without an object per row. 10,000 messages take a few milliseconds.
 */
export interface PackedRows {
  readonly uids: string | null;
  readonly flags: string | null;
  readonly modseqs: string | null;
  readonly created: string | null;
  readonly email_ids: string | null;
  readonly sizes: string | null;
  /** Milliseconds since the epoch. */
  readonly dates: string | null;
  /** By UID; only messages that have any. */
  readonly keywords: Readonly<Record<string, readonly string[]>> | null;
}

/** `{1,-2,3}` as numbers, exact below 2^53; null is an empty column. */
export function decodeNumbers(column: string | null): number[] {
  const out: number[] = [];
  if (column === null || column.length <= 2) return out;
  let value = 0;
  let negative = false;
  for (let i = 1; i < column.length; i++) {
    const code = column.charCodeAt(i);
    if (code >= 0x30 && code <= 0x39) value = value * 10 + (code - 0x30);
    else if (code === 0x2d) negative = true;
    else {
      out.push(negative ? -value : value);
      value = 0;
      negative = false;
    }
  }
  return out;
}

/** Keywords per message, in the order of the UIDs. */
export function decodeKeywords(
  uids: readonly number[],
  keywords: PackedRows['keywords'],
): (readonly string[] | undefined)[] {
  const out = new Array<readonly string[] | undefined>(uids.length).fill(undefined);
  if (keywords === null) return out;
  const byUid = new Map(Object.entries(keywords));
  for (let i = 0; i < uids.length; i++) out[i] = byUid.get(String(uids[i]));
  return out;
}

/** The rows with the MODSEQs of their arrival, where these were asked for. */
export function decodeRows(packed: PackedRows): { rows: MessageRow[]; created: number[] } {
  const uids = decodeNumbers(packed.uids);
  const flags = decodeNumbers(packed.flags);
  const modseqs = decodeNumbers(packed.modseqs);
  const emailIds = decodeNumbers(packed.email_ids);
  const sizes = decodeNumbers(packed.sizes);
  const dates = decodeNumbers(packed.dates);
  const keywords = decodeKeywords(uids, packed.keywords);
  const rows = uids.map((uid, i) => ({
    uid,
    flags: flags[i]!,
    keywords: keywords[i] ?? [],
    modseq: modseqs[i]!,
    emailId: String(emailIds[i]),
    size: sizes[i]!,
    internalDate: dates[i]!,
  }));
  return { rows, created: decodeNumbers(packed.created) };
}
