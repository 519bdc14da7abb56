/** Which Authentication-Results of others claim to be ours (RFC 8601 §5): those are taken off. */
import { domainToASCII } from 'node:url';

const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const BACKSLASH = 0x5c;
const SEMICOLON = 0x3b;

/**
 * Whether the authserv-id of this value is ours: whatever the case, the comments and folds around it, the version
 * behind it, quoted or not, in U-labels or A-labels, with a dot at the end or below our name. What cannot be read
 * and has our name in it is ours too.
 * @param value of an Authentication-Results field, folded or not, read as UTF-8 or one character per octet
 */
export function isOwnAuthenticationResults(value: string, authservId: string): boolean {
  const own = plain(authservId);
  const read = readAuthservId(value);
  if (read === undefined) return plain(value).includes(own);
  return isOwn(read, own) || isOwn(Buffer.from(read, 'latin1').toString('utf8'), own);
}

function isOwn(text: string, own: string): boolean {
  const name = plain(text);
  if (name === own) return true;
  const labels = domainToASCII(own);
  if (labels !== '' && domainToASCII(name) === labels) return true;
  // RFC 8601 §2.5: an id may have something behind the host name; no domain has a slash.
  return name.startsWith(`${own}/`);
}

/** What must not make a difference. */
function plain(text: string): string {
  const lower = text.trim().toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

/** authserv-id = value, between CFWS; undefined where a comment or a quoted string has no end. */
function readAuthservId(value: string): string | undefined {
  let id = '';
  let at = 0;
  while (at < value.length) {
    const code = value.charCodeAt(at);
    if (code === OPEN) {
      at = afterComment(value, at);
      if (at === -1) return undefined;
      if (id !== '') return id;
    } else if (code === QUOTE) {
      const end = afterQuoted(value, at);
      if (end === -1) return undefined;
      id += unquoted(value.slice(at + 1, end - 1));
      at = end;
    } else if (code <= 0x20) {
      if (id !== '') return id;
      at++;
    } else if (code === SEMICOLON) return id;
    else {
      const from = at;
      do at++;
      while (at < value.length && !endsToken(value.charCodeAt(at)));
      id += value.slice(from, at);
    }
  }
  return id;
}

function endsToken(code: number): boolean {
  return code <= 0x20 || code === OPEN || code === QUOTE || code === SEMICOLON;
}

function afterComment(value: string, from: number): number {
  let depth = 0;
  for (let at = from; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === OPEN) depth++;
    else if (code === CLOSE && --depth === 0) return at + 1;
  }
  return -1;
}

function afterQuoted(value: string, from: number): number {
  for (let at = from + 1; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at + 1;
  }
  return -1;
}

function unquoted(text: string): string {
  let out = '';
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) === BACKSLASH && at + 1 < text.length) at++;
    out += text[at];
  }
  return out;
}
