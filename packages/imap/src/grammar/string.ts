/** Atoms, strings and astrings of RFC 3501 §9, as octets or as text. */
import { isUtf8 } from 'node:buffer';
import { ASTRING, ATOM, OCTET } from '../octet-class.ts';
import type { Scanner } from '../scanner.ts';

/** RFC 3501 `atom`. */
export function atom(scanner: Scanner, wanted = 'an atom'): string {
  return scanner.expectRun(ATOM, wanted);
}

/** RFC 3501 `string` (quoted or literal) as octets; null when neither stands here. NUL is refused. */
export function tryStringOctets(scanner: Scanner): Buffer | null {
  const start = scanner.offset;
  const octets = scanner.tryQuoted() ?? scanner.tryLiteral();
  // RFC 3501 §9 CHAR8: a literal holds any octet but NUL.
  if (octets !== null && octets.includes(OCTET.nul)) scanner.fail('a string without NUL', start);
  return octets;
}

/** RFC 3501 `astring` as octets: an atom in which "]" is allowed too, or a string. */
export function astringOctets(scanner: Scanner, wanted = 'an atom or a string'): Buffer {
  const string = tryStringOctets(scanner);
  if (string !== null) return string;
  const start = scanner.offset;
  scanner.expectRun(ASTRING, wanted);
  return scanner.text.subarray(start, scanner.offset);
}

/** RFC 3501 `astring` as text. Octets above 127 must be UTF-8, as RFC 9051 §4.3 has it. */
export function astring(scanner: Scanner, wanted?: string): string {
  const start = scanner.offset;
  return utf8(scanner, astringOctets(scanner, wanted), start);
}

/** RFC 3501 `string` as text. */
export function string(scanner: Scanner, wanted = 'a string'): string {
  const start = scanner.offset;
  const octets = tryStringOctets(scanner) ?? scanner.fail(wanted);
  return utf8(scanner, octets, start);
}

/** RFC 3501 `nstring` as text: a string, or NIL as null. */
export function nstring(scanner: Scanner): string | null {
  if (scanner.tryWord('NIL', ASTRING)) return null;
  return string(scanner, 'a string or NIL');
}

/** Octets as text; fails at `start` when they are not UTF-8. */
export function utf8(scanner: Scanner, octets: Buffer, start: number): string {
  if (!isUtf8(octets)) scanner.fail('text in UTF-8', start);
  return octets.toString('utf8');
}
