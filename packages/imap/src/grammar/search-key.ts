/** `search-key` of RFC 3501 §9 as a tree. */
import type { SearchKey } from '../command.ts';
import { ATOM, DIGIT, isOctet, OCTET } from '../octet-class.ts';
import type { Scanner } from '../scanner.ts';
import { date } from './date-time.ts';
import { keyword, SYSTEM_FLAGS } from './flag.ts';
import { number } from './number.ts';
import { numberSet } from './number-set.ts';
import { astring, astringOctets, utf8 } from './string.ts';

/** How deep parentheses, NOT and OR may nest: bounds the stack here and wherever the tree is walked. */
const MAX_DEPTH = 50;
/** Keys of one command: each is tried on every message. */
const MAX_KEYS = 1_000;
/** BODY and TEXT keys of one command: each reads every message's octets. */
const MAX_TEXT_KEYS = 20;

/** Turns a string's octets into text by the command's CHARSET. */
type Decode = (scanner: Scanner, octets: Buffer, start: number) => string;

/** What stands behind a key's name. */
type KeyParser = (scanner: Scanner, decode: Decode, depth: number) => SearchKey;

const KEYS: ReadonlyMap<string, KeyParser> = buildKeys();

/** One or more keys to the end of the command; several mean AND, RFC 3501 §6.4.4. */
export function searchKeys(scanner: Scanner, charset: string | null): SearchKey {
  const decode = charset === null || isKnownCharset(charset) ? utf8 : latin1;
  const keys = keyList(scanner, decode, 0);
  scanner.expectEnd();
  if (count(keys, () => true) > MAX_KEYS) scanner.fail(`at most ${MAX_KEYS} search keys`);
  const texts = count(keys, ({ key }) => key === 'BODY' || key === 'TEXT');
  if (texts > MAX_TEXT_KEYS) scanner.fail(`at most ${MAX_TEXT_KEYS} BODY and TEXT keys`);
  return keys;
}

function count(key: SearchKey, counted: (key: SearchKey) => boolean): number {
  switch (key.key) {
    case 'AND':
      return key.of.reduce((sum, each) => sum + count(each, counted), 0);
    case 'OR':
      return count(key.left, counted) + count(key.right, counted);
    case 'NOT':
      return count(key.of, counted);
    default:
      return counted(key) ? 1 : 0;
  }
}

/** The charsets that SEARCH strings are decoded from; another one deserves NO [BADCHARSET]. */
export const SEARCH_CHARSETS = ['US-ASCII', 'UTF-8'] as const;

export function isKnownCharset(charset: string): boolean {
  return SEARCH_CHARSETS.some((known) => known === charset.toUpperCase());
}

function keyList(scanner: Scanner, decode: Decode, depth: number): SearchKey {
  const first = searchKey(scanner, decode, depth);
  if (scanner.peek() !== OCTET.space) return first;
  const keys = [first];
  while (scanner.tryOctet(OCTET.space)) keys.push(searchKey(scanner, decode, depth));
  return { key: 'AND', of: keys };
}

function searchKey(scanner: Scanner, decode: Decode, depth: number): SearchKey {
  if (depth > MAX_DEPTH) scanner.fail(`at most ${MAX_DEPTH} levels of search keys`);
  if (scanner.tryOctet(OCTET.open)) {
    const keys = keyList(scanner, decode, depth + 1);
    scanner.expectOctet(OCTET.close);
    return keys;
  }
  const next = scanner.peek();
  if (next === OCTET.star || isOctet(next, DIGIT)) return { key: 'SEQUENCE', set: numberSet(scanner) };
  const start = scanner.offset;
  const parse = KEYS.get(scanner.takeRun(ATOM).toUpperCase());
  if (parse === undefined) return scanner.fail('a SEARCH key', start);
  return parse(scanner, decode, depth);
}

/** Text of a charset that we do not know: never searched for, the command is answered NO. */
function latin1(_scanner: Scanner, octets: Buffer): string {
  return octets.toString('latin1');
}

function text(scanner: Scanner, decode: Decode): string {
  scanner.expectSpace();
  const start = scanner.offset;
  return decode(scanner, astringOctets(scanner, 'a string to search for'), start);
}

function buildKeys(): ReadonlyMap<string, KeyParser> {
  const keys = new Map<string, KeyParser>();
  keys.set('ALL', () => ({ key: 'ALL' }));
  for (const [name, flag] of SYSTEM_FLAGS) {
    const word = name.slice(1).toUpperCase();
    keys.set(word, () => ({ key: 'FLAG', flag, set: true }));
    keys.set(`UN${word}`, () => ({ key: 'FLAG', flag, set: false }));
  }
  keys.set('RECENT', () => ({ key: 'RECENT', set: true }));
  keys.set('OLD', () => ({ key: 'RECENT', set: false }));
  keys.set('NEW', () => ({ key: 'NEW' }));
  for (const [name, set] of [
    ['KEYWORD', true],
    ['UNKEYWORD', false],
  ] as const) {
    keys.set(name, (scanner) => {
      scanner.expectSpace();
      return { key: 'KEYWORD', keyword: keyword(scanner), set };
    });
  }
  for (const key of ['BEFORE', 'ON', 'SINCE', 'SENTBEFORE', 'SENTON', 'SENTSINCE'] as const) {
    keys.set(key, (scanner) => {
      scanner.expectSpace();
      return { key, day: date(scanner) };
    });
  }
  for (const key of ['LARGER', 'SMALLER'] as const) {
    keys.set(key, (scanner) => {
      scanner.expectSpace();
      return { key, size: number(scanner, 'a size in octets') };
    });
  }
  for (const key of ['BCC', 'CC', 'FROM', 'SUBJECT', 'TO', 'BODY', 'TEXT'] as const) {
    keys.set(key, (scanner, decode) => ({ key, value: text(scanner, decode) }));
  }
  keys.set('HEADER', (scanner, decode) => {
    scanner.expectSpace();
    const field = astring(scanner, 'a header field name');
    return { key: 'HEADER', field, value: text(scanner, decode) };
  });
  keys.set('UID', (scanner) => {
    scanner.expectSpace();
    return { key: 'UID', set: numberSet(scanner) };
  });
  keys.set('NOT', (scanner, decode, depth) => {
    scanner.expectSpace();
    return { key: 'NOT', of: searchKey(scanner, decode, depth + 1) };
  });
  keys.set('OR', (scanner, decode, depth) => {
    scanner.expectSpace();
    const left = searchKey(scanner, decode, depth + 1);
    scanner.expectSpace();
    return { key: 'OR', left, right: searchKey(scanner, decode, depth + 1) };
  });
  return keys;
}
