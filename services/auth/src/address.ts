import { domainToASCII } from 'node:url';

/**
 * Addresses as the directory compares them: the domain as A-labels in lower case, the local part
 * unquoted, in Unicode NFC and lower case. Pure.
 */
export interface Address {
  readonly local: string;
  readonly domain: string;
}

/**
 * Reads `local@domain`; the local part may be quoted.
 * @returns undefined for what cannot be an address of anybody; an address literal keeps its brackets
 */
export function parseAddress(text: string): Address | undefined {
  const at = text.lastIndexOf('@');
  if (at < 1) return undefined;
  const local = normaliseLocal(text.slice(0, at));
  const domain = normaliseDomain(text.slice(at + 1));
  return local === undefined || domain === undefined ? undefined : { local, domain };
}

/** @returns undefined for what is no domain name */
export function normaliseDomain(text: string): string | undefined {
  if (text.length > 255) return undefined; // RFC 5321 §4.5.3.1.2
  const domain = isPlainDomain(text) ? text : text.startsWith('[') ? text.toLowerCase() : domainToASCII(text);
  return domain === '' || domain.length > 255 || domain.endsWith('.') ? undefined : domain;
}

/** @returns undefined for a local part that is empty, too long, or holds control characters */
export function normaliseLocal(text: string): string | undefined {
  let local = text;
  if (text.startsWith('"')) {
    if (text.length < 2 || !text.endsWith('"')) return undefined;
    local = unquote(text.slice(1, -1));
  }
  local = local.normalize('NFC').toLowerCase();
  if (local === '' || !local.isWellFormed() || Buffer.byteLength(local) > 64) return undefined; // RFC 5321 §4.5.3.1.1
  for (let i = 0; i < local.length; i++) {
    const code = local.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) return undefined;
  }
  return local;
}

/** The local part without its `+tag`; undefined when it has none. */
export function withoutTag(local: string, delimiter: string): string | undefined {
  if (delimiter === '') return undefined;
  const at = local.indexOf(delimiter);
  return at < 1 ? undefined : local.slice(0, at);
}

/** The address as it is written in an envelope: quoted where it must be (RFC 5321 §4.1.2). */
export function formatAddress({ local, domain }: Address): string {
  return isDotAtom(local) ? `${local}@${domain}` : `"${local.replace(/[\\"]/g, '\\$&')}"@${domain}`;
}

/** RFC 5321 §4.1.2 quoted-pairSMTP: a backslash stands before the character that is meant. */
function unquote(text: string): string {
  return text.replace(/\\(.)/gsu, '$1');
}

function isPlainDomain(text: string): boolean {
  return /^[a-z0-9][a-z0-9.-]*$/.test(text) && !text.includes('xn--');
}

/** RFC 5321 §4.1.2 Dot-string; RFC 6531 §3.3 admits what is not ASCII. */
function isDotAtom(local: string): boolean {
  if (local.startsWith('.') || local.endsWith('.') || local.includes('..')) return false;
  return /^[a-z0-9!#$%&'*+/=?^_`{|}~.\u0080-\u{10ffff}-]+$/iu.test(local);
}
