/** Tag lists (RFC 6376 §3.2): `name=value` between semicolons, in one pass. */

/** Tags of one list; more are nobody's. */
const MOST_TAGS = 100;

/** @returns the tags in order, or why the text is no tag list */
export function parseTagList(text: string): ReadonlyMap<string, string> | { readonly fault: string } {
  const tags = new Map<string, string>();
  let at = 0;
  while (at < text.length) {
    let end = text.indexOf(';', at);
    if (end === -1) end = text.length;
    const equals = text.indexOf('=', at);
    const name = trimmed(text, at, equals === -1 || equals > end ? end : equals);
    if (equals === -1 || equals > end) {
      // A semicolon may stand at the end (RFC 6376 §3.2), and nothing behind it.
      if (name !== '' || end < text.length) return { fault: 'a tag without =' };
    } else {
      if (!isTagName(name)) return { fault: 'a tag with a name that is none' };
      if (tags.has(name)) return { fault: `${name}= stands there twice` };
      if (tags.size >= MOST_TAGS) return { fault: 'too many tags' };
      tags.set(name, trimmed(text, equals + 1, end));
    }
    at = end + 1;
  }
  return tags;
}

function trimmed(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

/** tag-name = ALPHA *ALNUMPUNC */
function isTagName(name: string): boolean {
  if (name.length === 0 || name.length > 32) return false;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    const alpha = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
    if (!alpha && (i === 0 || !((code >= 0x30 && code <= 0x39) || code === 0x5f))) return false;
  }
  return true;
}

/** Base64 and lists may be folded anywhere (RFC 6376 §3.2 FWS). */
export function withoutBlanks(text: string): string {
  return text.replaceAll(/[ \t\r\n]/g, '');
}

/** `a:b` with blanks around the colons. */
export function colonList(text: string): string[] {
  return text.split(':').map((one) => trimmed(one, 0, one.length));
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a;
}
