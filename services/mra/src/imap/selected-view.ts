/**
 * What one session's client has been told of its mailbox: which sequence number is which message, which
 * messages are \Recent here, and what is still to be said. Decides when an EXPUNGE may be told.
 */
import { type NumberSet, resolveNumberSet } from '@waybill/imap';
import type { Columns } from './columns.ts';
import type { OpenMailbox, Written } from './mailbox-cache.ts';

/** Half-open ranges of indices into the view, ascending and disjoint. */
export type Indices = readonly (readonly [from: number, to: number])[];

/** Things to tell, in the order they must be said. */
export interface News {
  /** Sequence numbers, highest first, so that each is right when the ones before it were heeded. */
  readonly expunged: readonly number[];
  /** The new number of messages; undefined when none came. */
  readonly exists: number | undefined;
  readonly recent: number;
  /** Indices whose flags changed without this client's doing. */
  readonly changed: readonly number[];
}

const NOTHING: readonly number[] = [];

export class SelectedView {
  readonly mailbox: OpenMailbox;
  readonly readOnly: boolean;
  /** The version that this client's numbers count by; the first `count` rows are known to it. */
  columns: Columns;
  count: number;
  #toldModseq: number;
  /** UIDs whose flags this client knows as of this MODSEQ. */
  #own: Map<number, number> | undefined;
  /** Ranges [from, to] of UIDs that are \Recent in this session, ascending. */
  readonly #recent: [number, number][] = [];

  constructor(mailbox: OpenMailbox, readOnly: boolean, recentFrom: number) {
    this.mailbox = mailbox;
    this.readOnly = readOnly;
    this.columns = mailbox.columns;
    this.count = mailbox.columns.length;
    this.#toldModseq = mailbox.modseq;
    this.addRecent(recentFrom, this.columns.lastUid());
  }

  /** UIDs from…to (inclusive) are \Recent for this session alone. RFC 3501 §2.3.2. */
  addRecent(from: number, to: number): void {
    if (to < from) return;
    const last = this.#recent.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else this.#recent.push([from, to]);
  }

  isRecent(uid: number): boolean {
    for (let at = this.#recent.length - 1; at >= 0; at -= 1) {
      const range = this.#recent[at]!;
      if (uid >= range[0]) return uid <= range[1];
    }
    return false;
  }

  recentCount(): number {
    let total = 0;
    for (const [from, to] of this.#recent)
      total += this.columns.lowerBound(to + 1, this.count) - this.columns.lowerBound(from, this.count);
    return total;
  }

  uidAt(index: number): number {
    return this.columns.uids[index]!;
  }

  /** Row of the newest version that holds this message: its flags as they are now. */
  current(index: number): { readonly columns: Columns; readonly at: number } {
    const newest = this.mailbox.columns;
    if (newest === this.columns) return { columns: newest, at: index };
    const at = newest.indexOf(this.uidAt(index));
    return at === -1 ? { columns: this.columns, at: index } : { columns: newest, at };
  }

  /** Whether messages came that this client has not been told of. */
  hasArrivals(): boolean {
    return this.mailbox.columns.lastUid() > this.lastKnownUid();
  }

  /** At least this: the store may have handed out more, to messages that are gone. */
  get uidNext(): number {
    return Math.max(this.mailbox.uidNext, this.lastKnownUid() + 1);
  }

  lastKnownUid(): number {
    return this.count === 0 ? 0 : this.uidAt(this.count - 1);
  }

  /**
   * This client's write. `told`: the answer shows it the flags of these messages as they are now. What others
   * changed on them meanwhile is told, also when the write was silent (RFC 3501 §6.4.6).
   */
  knows({ modseq, changed, rows }: Omit<Written, 'removed'>, told: boolean): void {
    // Nothing came between what the client was told and its own doing.
    if (changed && modseq === this.#toldModseq + 1) this.#toldModseq = modseq;
    else if (told) {
      this.#own ??= new Map();
      for (const row of rows) this.#own.set(row.uid, row.modseq);
    }
  }

  /**
   * What to tell now; the view counts by it from here on. `mayExpunge` is false while FETCH, STORE or
   * SEARCH is answered (RFC 3501 §7.4.1).
   */
  takeNews(mayExpunge: boolean): News {
    const newest = this.mailbox.columns;
    const expunged = mayExpunge && newest !== this.columns ? this.#dropExpunged(newest) : NOTHING;
    const changed = this.mailbox.changedModseq > this.#toldModseq ? this.#findChanged(newest) : NOTHING;
    this.#toldModseq = this.mailbox.modseq;
    this.#own = undefined;
    if (newest !== this.columns) this.columns.catchUp(newest);
    const arrived = this.columns.length > this.count;
    this.count = this.columns.length;
    return {
      expunged,
      exists: arrived ? this.count : undefined,
      recent: arrived ? this.recentCount() : 0,
      changed,
    };
  }

  #dropExpunged(newest: Columns): number[] {
    const expunged: number[] = [];
    let left = 0;
    for (let at = 0; at < this.count; at += 1) {
      if (newest.uids[left] === this.uidAt(at)) left += 1;
      else expunged.push(at + 1);
    }
    this.columns = newest;
    this.count = left;
    return expunged.reverse();
  }

  #findChanged(newest: Columns): number[] {
    const changed: number[] = [];
    let other = 0;
    for (let at = 0; at < this.count; at += 1) {
      if (newest !== this.columns) {
        const uid = this.uidAt(at);
        while (other < newest.length && newest.uids[other]! < uid) other += 1;
        if (newest.uids[other] !== uid) continue;
      } else other = at;
      const modseq = newest.modseqs[other]!;
      if (modseq > this.#toldModseq && this.#own?.get(newest.uids[other]!) !== modseq) changed.push(at);
    }
    return changed;
  }

  /**
   * A set of message numbers as indices; undefined when it names a message that does not exist, which
   * is the client's error (RFC 3501 §9, seq-number).
   */
  bySequence(set: NumberSet): Indices | undefined {
    const ranges = resolveNumberSet(set, this.count);
    const last = ranges.at(-1);
    if (last !== undefined && last[1] > this.count) return undefined;
    return ranges.map(([low, high]) => [low - 1, high] as const);
  }

  /** A set of UIDs as indices; UIDs that do not exist are passed over (RFC 3501 §6.4.8). */
  byUid(set: NumberSet): Indices {
    const indices: (readonly [number, number])[] = [];
    for (const [low, high] of resolveNumberSet(set, this.lastKnownUid())) {
      const from = this.columns.lowerBound(low, this.count);
      const to = this.columns.lowerBound(high + 1, this.count);
      if (from < to) indices.push([from, to]);
    }
    return indices;
  }

  /** The UIDs of these indices. */
  uidsOf(indices: Indices): number[] {
    const uids: number[] = [];
    for (const [from, to] of indices) for (let at = from; at < to; at += 1) uids.push(this.uidAt(at));
    return uids;
  }

  /** The index of a UID that the client knows, -1 for any other. */
  indexOf(uid: number): number {
    const at = this.columns.lowerBound(uid, this.count);
    return at < this.count && this.uidAt(at) === uid ? at : -1;
  }
}
