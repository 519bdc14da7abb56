import { normaliseDomain, parseAddressLiteral } from './domain.ts';

/**
 * An address of the envelope, RFC 5321 §4.1.2. `local` is the local part without quoting,
 * `domain` is lower case, in A-label form, or an address literal in brackets;
 * '' only for the bare `postmaster` that RFC 5321 §4.5.1 requires.
 */
export interface Mailbox {
  readonly local: string;
  readonly domain: string;
}

/** What stood between `<` and `>`, and where the text goes on; or what is wrong with it, for people. */
export type PathResult =
  | { readonly mailbox: Mailbox | undefined; readonly end: number }
  | { readonly fault: string };

/** RFC 5321 §4.5.3.1.1, in octets. */
const MAX_LOCAL = 64;
/** RFC 5321 §4.5.3.1.3: a path has at most 256 octets, its angle brackets included. */
const MAX_ADDRESS = 254;

/**
 * Reads a whole address such as `"a b"@example.org`; undefined when it is none. Characters above U+007F are
 * taken as RFC 6531 §3.3 says; whether they are allowed is the caller's question.
 */
export function parseMailbox(text: string): Mailbox | undefined {
  const read = readMailbox(text, 0);
  return 'fault' in read || read.end !== text.length ? undefined : read.mailbox;
}

/**
 * Reads a path, `<…>`, that begins at `at`; `<>` gives no mailbox. A source route is read and dropped
 * (RFC 5321 §4.1.1.3, appendix C). `<postmaster>` without a domain is read where `bare` allows it.
 */
export function readPath(text: string, at: number, bare: boolean): PathResult {
  if (text[at] !== '<') return { fault: 'an address stands in angle brackets' };
  let i = at + 1;
  if (text[i] === '>') return { mailbox: undefined, end: i + 1 };
  if (bare && text.slice(i, i + 11).toLowerCase() === 'postmaster>')
    return { mailbox: { local: 'postmaster', domain: '' }, end: i + 11 };
  if (text[i] === '@') {
    const route = skipRoute(text, i);
    if (route === -1) return { fault: 'malformed source route' };
    i = route;
  }
  const read = readMailbox(text, i);
  if ('fault' in read) return read;
  if (text[read.end] !== '>') return { fault: 'malformed address' };
  return { mailbox: read.mailbox, end: read.end + 1 };
}

/** The offset behind the colon of `@one,@two:`, or -1. */
function skipRoute(text: string, at: number): number {
  const colon = text.indexOf(':', at);
  if (colon === -1) return -1;
  const hops = text.slice(at, colon).split(',');
  const valid = hops.every((hop) => hop.startsWith('@') && normaliseDomain(hop.slice(1)) !== undefined);
  return valid ? colon + 1 : -1;
}

function readMailbox(text: string, at: number): { mailbox: Mailbox; end: number } | { fault: string } {
  const local = text[at] === '"' ? readQuoted(text, at) : readDotString(text, at);
  if (local === undefined) return { fault: 'malformed local part' };
  if (Buffer.byteLength(text.slice(at, local.end)) > MAX_LOCAL)
    return { fault: 'the local part is longer than 64 octets' };
  if (text[local.end] !== '@') return { fault: 'an address has a domain after its local part' };
  const start = local.end + 1;
  const end = domainEnd(text, start);
  const domainText = text.slice(start, end);
  const domain = domainText.startsWith('[') ? parseAddressLiteral(domainText) : normaliseDomain(domainText);
  if (domain === undefined) return { fault: 'malformed domain' };
  const mailbox = { local: local.value, domain };
  if (Buffer.byteLength(local.value) + 1 + domain.length > MAX_ADDRESS)
    return { fault: 'the address is longer than 254 octets' };
  return { mailbox, end };
}

/** RFC 5321 §4.1.2 Dot-string, with RFC 6531 §3.3's UTF8-non-ascii. */
function readDotString(text: string, at: number): { value: string; end: number } | undefined {
  let i = at;
  let atomStart = at;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 46) {
      if (i === atomStart) return undefined;
      atomStart = i + 1;
    } else if (!isAtext(c)) break;
  }
  return i === atomStart ? undefined : { value: text.slice(at, i), end: i };
}

/** RFC 5321 §4.1.2 Quoted-string. */
function readQuoted(text: string, at: number): { value: string; end: number } | undefined {
  let value = '';
  for (let i = at + 1; i < text.length; i++) {
    let c = text.charCodeAt(i);
    if (c === 34) return { value, end: i + 1 };
    const pair = c === 92;
    if (pair) c = text.charCodeAt(++i);
    // quoted-pairSMTP holds printable ASCII and space; RFC 6531 §3.3 widens only qtextSMTP. No controls, C1 included.
    if (!(c >= 32 && c !== 127 && (c < 128 || (c > 159 && !pair)))) return undefined;
    value += text[i];
  }
  return undefined;
}

/** Where the domain that begins at `start` stops: a literal at its bracket, a name at the first foreign character. */
function domainEnd(text: string, start: number): number {
  if (text[start] === '[') {
    const close = text.indexOf(']', start);
    return close === -1 ? text.length : close + 1;
  }
  let i = start;
  while (i < text.length && text[i] !== '>' && text[i] !== ' ') i++;
  return i;
}

const ATEXT: ReadonlySet<number> = new Set(Buffer.from("!#$%&'*+-/=?^_`{|}~"));

function isAtext(c: number): boolean {
  if ((c >= 97 && c <= 122) || (c >= 65 && c <= 90) || (c >= 48 && c <= 57)) return true;
  return c > 127 ? c > 159 : ATEXT.has(c);
}

/** The address as it is written in commands and header fields: the local part is quoted where it must be. */
export function formatAddress(mailbox: Mailbox): string {
  const plain = readDotString(mailbox.local, 0);
  const local =
    plain !== undefined && plain.end === mailbox.local.length
      ? mailbox.local
      : `"${mailbox.local.replaceAll(/["\\]/g, (char) => `\\${char}`)}"`;
  return mailbox.domain === '' ? local : `${local}@${mailbox.domain}`;
}

/** `<address>`, or `<>` for the null sender. */
export function formatPath(mailbox: Mailbox | undefined): string {
  return mailbox === undefined ? '<>' : `<${formatAddress(mailbox)}>`;
}

/** Whether two mailboxes are the same to SMTP: the local part octet for octet, RFC 5321 §2.4. */
export function sameMailbox(a: Mailbox, b: Mailbox): boolean {
  return a.local === b.local && a.domain === b.domain;
}
