/**
 * One version of a mailbox's messages as columns, sorted by UID. Rows are only ever appended and their
 * flags changed in place; taking rows out makes a new version, so that a session which may not be told
 * of an EXPUNGE yet goes on counting by the old one.
 */
import type { MailboxSnapshot, MessageRow } from '@waybill/mailstore';

/** What one message costs in a version, octets, roughly: seven columns and the id's string. */
export const ROW_BYTES = 96;

export class Columns {
  readonly uids: number[];
  readonly flags: number[];
  readonly keywords: (readonly string[] | undefined)[];
  readonly modseqs: number[];
  readonly emailIds: string[];
  readonly sizes: number[];
  readonly internalDates: number[];

  constructor(rows: Omit<MailboxSnapshot, 'info' | 'modseq'>) {
    this.uids = rows.uids;
    this.flags = rows.flags;
    this.keywords = rows.keywords;
    this.modseqs = rows.modseqs;
    this.emailIds = rows.emailIds;
    this.sizes = rows.sizes;
    this.internalDates = rows.internalDates;
  }

  static empty(): Columns {
    return new Columns({
      uids: [],
      flags: [],
      keywords: [],
      modseqs: [],
      emailIds: [],
      sizes: [],
      internalDates: [],
    });
  }

  get length(): number {
    return this.uids.length;
  }

  /** Index of the first row whose UID is at least `uid`, among the first `count` rows. */
  lowerBound(uid: number, count = this.uids.length): number {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.uids[middle]! < uid) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Index of this UID, -1 when there is no such row. */
  indexOf(uid: number): number {
    const at = this.lowerBound(uid);
    return this.uids[at] === uid ? at : -1;
  }

  lastUid(): number {
    return this.uids.at(-1) ?? 0;
  }

  append(row: MessageRow): void {
    this.uids.push(row.uid);
    this.flags.push(row.flags);
    this.keywords.push(row.keywords.length === 0 ? undefined : row.keywords);
    this.modseqs.push(row.modseq);
    this.emailIds.push(row.emailId);
    this.sizes.push(row.size);
    this.internalDates.push(row.internalDate);
  }

  /** Flags and keywords of a row as they are now; older news than what is here is passed over. */
  update(index: number, row: MessageRow): boolean {
    if (row.modseq <= this.modseqs[index]!) return false;
    this.flags[index] = row.flags;
    this.keywords[index] = row.keywords.length === 0 ? undefined : row.keywords;
    this.modseqs[index] = row.modseq;
    return true;
  }

  /** Copies the rows of a later version that came after the last one here. */
  catchUp(later: Columns): void {
    for (let at = later.lowerBound(this.lastUid() + 1); at < later.length; at += 1) {
      this.uids.push(later.uids[at]!);
      this.flags.push(later.flags[at]!);
      this.keywords.push(later.keywords[at]);
      this.modseqs.push(later.modseqs[at]!);
      this.emailIds.push(later.emailIds[at]!);
      this.sizes.push(later.sizes[at]!);
      this.internalDates.push(later.internalDates[at]!);
    }
  }

  /** A version without these UIDs; this one itself when it holds none of them. */
  without(uids: readonly number[]): Columns {
    const gone = new Set<number>();
    for (const uid of uids) if (this.indexOf(uid) !== -1) gone.add(uid);
    if (gone.size === 0) return this;
    const left = Columns.empty();
    for (let at = 0; at < this.uids.length; at += 1) {
      const uid = this.uids[at]!;
      if (gone.has(uid)) continue;
      left.uids.push(uid);
      left.flags.push(this.flags[at]!);
      left.keywords.push(this.keywords[at]);
      left.modseqs.push(this.modseqs[at]!);
      left.emailIds.push(this.emailIds[at]!);
      left.sizes.push(this.sizes[at]!);
      left.internalDates.push(this.internalDates[at]!);
    }
    return left;
  }
}
