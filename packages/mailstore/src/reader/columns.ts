import type { MessageRow } from '../contract.ts';

/**
 * Columns of messages as mailstore.pack sends them: each a binary array (array_send), decoded
 * without an object per row. 10,000 messages take a few milliseconds.
 */
export interface PackedRows {
  readonly uids: Buffer | null;
  readonly flags: Buffer | null;
  readonly modseqs: Buffer | null;
  readonly created: Buffer | null;
  readonly email_ids: Buffer | null;
  readonly sizes: Buffer | null;
  readonly dates: Buffer | null;
  /** By UID; only messages that have any. */
  readonly keywords: Readonly<Record<string, readonly string[]>> | null;
}

/** Dimensions, null flag, element type, length, lower bound: four octets each. */
const HEADER = 20;
const TWO_TO_32 = 0x1_0000_0000;
/** 2000-01-01 in ms since the epoch: where Postgres counts microseconds from. */
const POSTGRES_EPOCH_MS = 946_684_800_000;

export function decodeInt2(column: Buffer | null): number[] {
  if (column === null) return [];
  const count = column.readInt32BE(12);
  const out = new Array<number>(count);
  for (let i = 0, at = HEADER + 4; i < count; i++, at += 6) out[i] = column.readInt16BE(at);
  return out;
}

export function decodeInt4(column: Buffer | null): number[] {
  if (column === null) return [];
  const count = column.readInt32BE(12);
  const out = new Array<number>(count);
  for (let i = 0, at = HEADER + 4; i < count; i++, at += 8) out[i] = column.readInt32BE(at);
  return out;
}

/** Exact below 2^53. */
export function decodeInt8(column: Buffer | null): number[] {
  if (column === null) return [];
  const count = column.readInt32BE(12);
  const out = new Array<number>(count);
  for (let i = 0, at = HEADER + 4; i < count; i++, at += 12)
    out[i] = column.readInt32BE(at) * TWO_TO_32 + column.readUInt32BE(at + 4);
  return out;
}

/** timestamptz as ms since the epoch, rounded down to whole ones. */
export function decodeTimestamps(column: Buffer | null): number[] {
  const out = decodeInt8(column);
  for (let i = 0; i < out.length; i++) out[i] = Math.floor(out[i]! / 1000) + POSTGRES_EPOCH_MS;
  return out;
}

/** bytea[]; the elements share the column's memory. */
export function decodeByteas(column: Buffer | null): Buffer[] {
  if (column === null) return [];
  const count = column.readInt32BE(12);
  const out = new Array<Buffer>(count);
  for (let i = 0, at = HEADER; i < count; i++) {
    const end = at + 4 + column.readInt32BE(at);
    out[i] = column.subarray(at + 4, end);
    at = end;
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
  const uids = decodeInt8(packed.uids);
  const flags = decodeInt2(packed.flags);
  const modseqs = decodeInt8(packed.modseqs);
  const emailIds = decodeInt8(packed.email_ids);
  const sizes = decodeInt4(packed.sizes);
  const dates = decodeTimestamps(packed.dates);
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
  return { rows, created: decodeInt8(packed.created) };
}
