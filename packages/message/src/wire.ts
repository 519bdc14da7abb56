/** Strings as IMAP sends them (RFC 3501 §4.3, §9). Octets travel as latin1 characters. */

/** A longer string goes as a literal: clients may limit the line. */
const QUOTED_LIMIT = 1000;

/** `NIL`, a quoted string, or a literal. NUL cannot be sent in either (RFC 3501 §9 CHAR8) and is dropped. */
export function nstring(octets: string | null): string {
  return octets === null ? 'NIL' : imapString(octets);
}

/** A quoted string where that is short and plain, else a literal. */
export function imapString(octets: string): string {
  let escape = false;
  for (let i = 0; i < octets.length; i++) {
    const code = octets.charCodeAt(i);
    if (code === 0) return imapString(octets.replaceAll('\0', ''));
    if (code >= 0x7f || code === 13 || code === 10 || i >= QUOTED_LIMIT) return literal(octets);
    if (code === 0x22 || code === 0x5c) escape = true;
  }
  return escape ? `"${octets.replaceAll(/["\\]/g, '\\$&')}"` : `"${octets}"`;
}

function literal(octets: string): string {
  const sendable = octets.includes('\0') ? octets.replaceAll('\0', '') : octets;
  return `{${sendable.length}}\r\n${sendable}`;
}
