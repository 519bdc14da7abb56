/** `mailbox` and `list-mailbox` of RFC 3501 §9: names as the rest of the server knows them, in UTF-8. */
import { isAscii } from 'node:buffer';
import { LIST_CHAR } from '../octet-class.ts';
import type { Scanner } from '../scanner.ts';
import { astringOctets, tryStringOctets } from './string.ts';
import { decodeModifiedUtf7 } from './modified-utf7.ts';

/** Octets of a LIST pattern or reference on the wire; bounds the work of matching it. */
const MAX_PATTERN = 1_000;

/** A mailbox name, decoded; INBOX in any case becomes 'INBOX', also as the parent of others. */
export function mailboxName(scanner: Scanner): string {
  const start = scanner.offset;
  const octets = astringOctets(scanner, 'a mailbox name');
  const name = isAscii(octets) ? decodeModifiedUtf7(octets.toString('latin1')) : null;
  if (name === null) return scanner.fail('a mailbox name in modified UTF-7 (RFC 3501 §5.1.3)', start);
  if (name === '') scanner.fail('a mailbox name that is not empty', start);
  if (hasControl(name)) scanner.fail('a mailbox name without control characters', start);
  return upperInbox(name);
}

/**
 * A LIST pattern, decoded, wildcards kept. What is not modified UTF-7 stays as written: it can still match
 * nothing but itself, which is the right answer to a question about names.
 */
export function mailboxPattern(scanner: Scanner): string {
  const start = scanner.offset;
  let octets = tryStringOctets(scanner);
  if (octets === null) {
    scanner.expectRun(LIST_CHAR, 'a mailbox pattern');
    octets = scanner.text.subarray(start, scanner.offset);
  }
  return patternText(scanner, octets, start);
}

/** The reference argument of LIST and LSUB, decoded; may be empty. */
export function mailboxReference(scanner: Scanner): string {
  const start = scanner.offset;
  return patternText(scanner, astringOctets(scanner, 'a reference name'), start);
}

function patternText(scanner: Scanner, octets: Buffer, start: number): string {
  if (octets.length > MAX_PATTERN) scanner.fail(`a name of at most ${MAX_PATTERN} octets`, start);
  if (!isAscii(octets)) return octets.toString('utf8');
  const wire = octets.toString('latin1');
  return decodeModifiedUtf7(wire) ?? wire;
}

function hasControl(name: string): boolean {
  for (let at = 0; at < name.length; at += 1) {
    const code = name.charCodeAt(at);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  }
  return false;
}

function upperInbox(name: string): string {
  // RFC 3501 §5.1: INBOX is the same in any case.
  if (name.slice(0, 5).toUpperCase() !== 'INBOX') return name;
  return name.length === 5 || name[5] === '/' ? `INBOX${name.slice(5)}` : name;
}
