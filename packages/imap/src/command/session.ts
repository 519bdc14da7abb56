/** Commands about the session: RFC 3501 §6.1 and §6.2, ID (RFC 2971), ENABLE (RFC 5161). */
import type { Command } from '../command.ts';
import { ATOM, BASE64, OCTET } from '../octet-class.ts';
import type { Scanner } from '../scanner.ts';
import { astring, atom, nstring, string } from '../grammar/string.ts';

/** RFC 2971 §3.3: at most 30 pairs, names of 30 octets, values of 1024. */
const MAX_ID_FIELDS = 30;
const MAX_ID_NAME = 30;
const MAX_ID_VALUE = 1_024;

/** LOGIN SP userid SP password, RFC 3501 §6.2.3. */
export function login(scanner: Scanner, tag: string): Command {
  scanner.expectSpace();
  const username = astring(scanner, 'a user name');
  scanner.expectSpace();
  const password = astring(scanner, 'a password');
  return { tag, verb: 'LOGIN', username, password };
}

/** AUTHENTICATE SP auth-type [SP initial-resp], RFC 3501 §6.2.2, RFC 4959 §3. */
export function authenticate(scanner: Scanner, tag: string): Command {
  scanner.expectSpace();
  const mechanism = atom(scanner, 'a SASL mechanism').toUpperCase();
  const initial = scanner.tryOctet(OCTET.space) ? scanner.expectRun(BASE64, 'base64 or "="') : null;
  return { tag, verb: 'AUTHENTICATE', mechanism, initial };
}

/** ID SP (NIL / "(" [string SP nstring …] ")"), RFC 2971 §3.1. */
export function id(scanner: Scanner, tag: string): Command {
  scanner.expectSpace();
  if (scanner.tryWord('NIL', ATOM)) return { tag, verb: 'ID', fields: null };
  const fields = new Map<string, string | null>();
  scanner.expectOctet(OCTET.open, 'NIL or a list in parentheses');
  if (!scanner.tryOctet(OCTET.close)) {
    do {
      const start = scanner.offset;
      const name = string(scanner, 'the name of an ID field');
      scanner.expectSpace();
      const value = nstring(scanner);
      const tooLong = name.length > MAX_ID_NAME || (value?.length ?? 0) > MAX_ID_VALUE;
      if (tooLong) scanner.fail('an ID field within the limits of RFC 2971 §3.3', start);
      fields.set(name, value);
      if (fields.size > MAX_ID_FIELDS) scanner.fail(`at most ${MAX_ID_FIELDS} ID fields`, start);
    } while (scanner.tryOctet(OCTET.space));
    scanner.expectOctet(OCTET.close);
  }
  return { tag, verb: 'ID', fields };
}

/** ENABLE 1*(SP capability), RFC 5161 §3.1. Names in upper case. */
export function enable(scanner: Scanner, tag: string): Command {
  const capabilities: string[] = [];
  scanner.expectSpace();
  do capabilities.push(atom(scanner, 'a capability').toUpperCase());
  while (scanner.tryOctet(OCTET.space));
  return { tag, verb: 'ENABLE', capabilities };
}
