/**
 * Does a message match a SEARCH key? Pure, in three values: undefined means that more of the message must
 * be read to know. Columns are looked at first, then the stored summary, then the message's octets; so
 * only the messages still in question are ever read. RFC 3501 §6.4.4.
 */
import type { NumberSet, SearchKey } from '@waybill/imap';
import { FLAG, type StoredMessage } from '@waybill/mailstore';
import {
  decodeSummary,
  envelopeOf,
  foldText,
  parseDay,
  searchField,
  searchHeader,
  searchText,
  type Summary,
} from '@waybill/message';
import type { Columns } from '../columns.ts';
import { cannotHold, ENVELOPE_FIELD, envelopeTexts, isPlainWord } from './envelope-text.ts';

/** One message as far as it was read. */
export class Candidate {
  readonly columns: Columns;
  /** Row of `columns`. */
  readonly at: number;
  readonly sequence: number;
  readonly recent: boolean;
  summaryOctets: Buffer | undefined;
  message: StoredMessage | undefined;
  #summary: Summary | undefined;
  #octets: Buffer | undefined;
  #envelope: string[] | undefined;

  constructor(columns: Columns, at: number, sequence: number, recent: boolean) {
    this.columns = columns;
    this.at = at;
    this.sequence = sequence;
    this.recent = recent;
  }

  get summary(): Summary | undefined {
    const octets = this.summaryOctets ?? this.message?.summary;
    return (this.#summary ??= octets === undefined ? undefined : decodeSummary(octets));
  }

  /** The ENVELOPE's octets. */
  get envelopeOctets(): Buffer | undefined {
    const octets = this.summaryOctets ?? this.message?.summary;
    return (this.#octets ??= octets === undefined ? undefined : envelopeOf(octets));
  }

  /** Folded texts of the ENVELOPE's fields. */
  get envelope(): string[] | undefined {
    const octets = this.envelopeOctets;
    return (this.#envelope ??= octets === undefined ? undefined : envelopeTexts(octets));
  }
}

/** A key made ready: needles folded, sets resolved to what they mean in this view. */
export type Test = (candidate: Candidate) => boolean | undefined;

/** How a set of message numbers or UIDs is resolved: a membership test for the number. */
export interface Sets {
  sequence(set: NumberSet): (sequence: number) => boolean;
  uid(set: NumberSet): (uid: number) => boolean;
}

const DAY = 86_400_000;

/** Builds the test. The tree's depth was bounded where it was parsed. */
export function compile(key: SearchKey, sets: Sets): Test {
  switch (key.key) {
    case 'ALL':
      return () => true;
    case 'FLAG':
      return ({ columns, at }) => ((columns.flags[at]! & key.flag) !== 0) === key.set;
    case 'KEYWORD': {
      const wanted = key.keyword.toLowerCase();
      return ({ columns, at }) =>
        (columns.keywords[at]?.some((word) => word.toLowerCase() === wanted) ?? false) === key.set;
    }
    case 'RECENT':
      return (candidate) => candidate.recent === key.set;
    case 'NEW':
      // RFC 3501 §6.4.4: RECENT UNSEEN.
      return ({ columns, at, recent }) => recent && (columns.flags[at]! & FLAG.seen) === 0;
    case 'SEQUENCE': {
      const has = sets.sequence(key.set);
      return (candidate) => has(candidate.sequence);
    }
    case 'UID': {
      const has = sets.uid(key.set);
      return ({ columns, at }) => has(columns.uids[at]!);
    }
    case 'BEFORE':
    case 'ON':
    case 'SINCE': {
      const within = dayTest(key.key, key.day);
      return ({ columns, at }) => within(columns.internalDates[at]!);
    }
    case 'SENTBEFORE':
    case 'SENTON':
    case 'SENTSINCE': {
      const within = dayTest(key.key.slice(4) as 'BEFORE' | 'ON' | 'SINCE', key.day);
      // RFC 3501 §6.4.4 disregards time and zone: the day is the one that the Date field names.
      return ({ envelope }) => {
        if (envelope === undefined) return undefined;
        const day = parseDay(envelope[ENVELOPE_FIELD.DATE] ?? '');
        return day !== null && within(day);
      };
    }
    case 'LARGER':
      return ({ columns, at }) => columns.sizes[at]! > key.size;
    case 'SMALLER':
      return ({ columns, at }) => columns.sizes[at]! < key.size;
    case 'FROM':
    case 'TO':
    case 'CC':
    case 'BCC':
    case 'SUBJECT':
      return envelopeTest(ENVELOPE_FIELD[key.key], foldText(key.value));
    case 'HEADER':
      return headerTest(key.field.toLowerCase(), foldText(key.value));
    case 'BODY': {
      const needle = foldText(key.value);
      return ({ message, summary }) =>
        message === undefined || summary === undefined
          ? undefined
          : searchText(message.body, summary.root, needle, 'body');
    }
    case 'TEXT': {
      const needle = foldText(key.value);
      return ({ message, summary }) =>
        message === undefined || summary === undefined
          ? undefined
          : searchHeader(message.prefix, { start: 0, end: message.prefix.length }, needle) ||
            searchText(message.body, summary.root, needle, 'text');
    }
    case 'NOT': {
      const inner = compile(key.of, sets);
      return (candidate) => {
        const found = inner(candidate);
        return found === undefined ? undefined : !found;
      };
    }
    case 'OR':
      return any([compile(key.left, sets), compile(key.right, sets)]);
    case 'AND':
      return all(key.of.map((part) => compile(part, sets)));
  }
}

function envelopeTest(place: number, needle: string): Test {
  const plain = isPlainWord(needle);
  return (candidate) => {
    const octets = candidate.envelopeOctets;
    if (octets === undefined) return undefined;
    if (plain && cannotHold(octets, needle)) return false;
    return candidate.envelope?.[place]?.includes(needle) ?? false;
  };
}

function headerTest(field: string, needle: string): Test {
  // The one header that clients ask for all day is in the summary.
  if (field === 'message-id' && needle !== '')
    return ({ summary }) =>
      summary === undefined ? undefined : foldText(summary.messageId).includes(needle);
  return ({ message, summary }) => {
    if (message === undefined || summary === undefined) return undefined;
    const prefix = { start: 0, end: message.prefix.length };
    return (
      searchField(message.prefix, prefix, field, needle) ||
      searchField(message.body, summary.root.header, field, needle)
    );
  };
}

/** Days are UTC here, as INTERNALDATE is told. */
function dayTest(key: 'BEFORE' | 'ON' | 'SINCE', day: number): (time: number) => boolean {
  switch (key) {
    case 'BEFORE':
      return (time) => time < day;
    case 'ON':
      return (time) => time >= day && time < day + DAY;
    case 'SINCE':
      return (time) => time >= day;
  }
}

function all(tests: readonly Test[]): Test {
  return (candidate) => {
    let unknown = false;
    for (const test of tests) {
      const found = test(candidate);
      if (found === false) return false;
      if (found === undefined) unknown = true;
    }
    return unknown ? undefined : true;
  };
}

function any(tests: readonly Test[]): Test {
  return (candidate) => {
    let unknown = false;
    for (const test of tests) {
      const found = test(candidate);
      if (found === true) return true;
      if (found === undefined) unknown = true;
    }
    return unknown ? undefined : false;
  };
}
