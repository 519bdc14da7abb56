/** Strings on the way out: RFC 3501 §4.2 and §4.3. All text here is one octet per character (latin1). */
import { encodeModifiedUtf7 } from '../grammar/modified-utf7.ts';
import { ASTRING, isOctet, OCTET } from '../octet-class.ts';

/** Longer strings go as literals, which clients read without looking at each octet. */
const MAX_QUOTED = 512;

/** True when the octets may stand between quotes: 7-bit, without CR, LF and NUL (RFC 3501 §9 TEXT-CHAR), and short. */
export function isQuotable(octets: Buffer): boolean {
  if (octets.length > MAX_QUOTED) return false;
  for (const octet of octets) {
    if (octet === OCTET.cr || octet === OCTET.lf || octet === OCTET.nul || octet > 0x7f) return false;
  }
  return true;
}

/** A quoted string of text that is known to be quotable. */
export function quoted(text: string): string {
  if (text.includes('\\')) text = text.replaceAll('\\', '\\\\');
  if (text.includes('"')) text = text.replaceAll('"', '\\"');
  return `"${text}"`;
}

/** `{n}` CRLF, what stands before a literal's octets. */
export function literalPrefix(octets: number): string {
  return `{${octets}}\r\n`;
}

/** A string as octets: quoted if that is possible, else a literal. */
export function imapString(octets: Buffer): Buffer {
  if (isQuotable(octets)) return Buffer.from(quoted(octets.toString('latin1')), 'latin1');
  return Buffer.concat([Buffer.from(literalPrefix(octets.length), 'latin1'), octets]);
}

const NIL = Buffer.from('NIL');

/** As imapString, NIL for null. The answer to NIL is shared: do not write into it. */
export function nstring(octets: Buffer | null): Buffer {
  return octets === null ? NIL : imapString(octets);
}

/** Printable ASCII as an atom if it can be one, else quoted. For names that we checked on their way in. */
export function astring(text: string): string {
  if (text === '' || text.toUpperCase() === 'NIL') return quoted(text);
  for (let at = 0; at < text.length; at += 1) {
    if (!isOctet(text.charCodeAt(at), ASTRING)) return quoted(text);
  }
  return text;
}

/** A mailbox name (UTF-8 inside) as it goes on the wire: modified UTF-7, RFC 3501 §5.1.3. */
export function mailboxAstring(name: string): string {
  return astring(encodeModifiedUtf7(name));
}

/** Text for people, as RFC 3501 §9 `text` wants it: printable ASCII, the rest replaced by "?". */
export function humanText(text: string): string {
  let safe = '';
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    safe += code >= 0x20 && code <= 0x7e ? text[at] : '?';
  }
  return safe === '' ? '-' : safe;
}
