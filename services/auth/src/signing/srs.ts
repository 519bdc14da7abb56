/**
 * Return paths with another's return path sealed in them (SRS, as postsrsd and others write them): SRS0 holds an
 * address, SRS1 an SRS0 of somebody else. The seal is an HMAC over the rest, without regard to case, for hosts on
 * the way back may change it. Pure.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Days that a bounce may take to come back. */
export const VALID_DAYS = 21;
/** RFC 5321 §4.5.3.1.1. */
const MAX_LOCAL = 64;
/** Characters of the seal: 30 bits, far more than anybody can try at RCPT. */
const SEAL = 6;
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
/** Days are told apart modulo this: two characters. */
const DAYS = 1024;

/** What a local part of ours leads back to. */
export type Opened =
  | { readonly kind: 'address'; readonly address: string }
  /** The address is too long to be written out: kept under this name. */
  | { readonly kind: 'kept'; readonly token: string };

export interface Path {
  /** As written, without quoting. */
  readonly local: string;
  readonly domain: string;
}

/** Whether a local part looks like one of these, by its first letters. */
export function looksSealed(local: string): boolean {
  return /^srs[01][=+-]/i.test(local);
}

/** The local part that leads back to `path`; undefined when it would be longer than a local part may be. */
export function seal(path: Path, secret: Buffer, now: Date): string | undefined {
  const { local, domain } = path;
  let sealed: string;
  if (/^srs0[=+-]/i.test(local)) {
    const inner = `${domain}=${local.slice(4)}`;
    sealed = `SRS1=${sealOf(inner, secret)}=${inner}`;
  } else {
    const again = /^srs1[=+-]/i.test(local) ? innerOfSrs1(local) : undefined;
    if (again === undefined) {
      const inner = `${stamp(now)}=${domain}=${local}`;
      sealed = `SRS0=${sealOf(inner, secret)}=${inner}`;
    } else sealed = `SRS1=${sealOf(again, secret)}=${again}`; // who was between the first and us is left out
  }
  return Buffer.byteLength(sealed) <= MAX_LOCAL ? sealed : undefined;
}

/** As seal(), for a path that is kept under a name: `token` is of letters and digits. */
export function sealToken(token: string, secret: Buffer, now: Date): string {
  const inner = `${stamp(now)}==${token}`;
  return `SRS0=${sealOf(inner, secret)}=${inner}`;
}

/** What a local part leads back to; undefined when none of the secrets sealed it, or it is too old. */
export function open(local: string, secrets: readonly Buffer[], now: Date): Opened | undefined {
  if (!looksSealed(local)) return undefined;
  const rest = local.slice(5);
  const equals = rest.indexOf('=');
  if (equals !== SEAL) return undefined;
  const given = Buffer.from(rest.slice(0, equals).toUpperCase());
  const inner = rest.slice(equals + 1);
  const ours = secrets.some((secret) => {
    const wanted = Buffer.from(sealOf(inner, secret));
    return wanted.length === given.length && timingSafeEqual(wanted, given);
  });
  if (!ours) return undefined;
  return local[3] === '1' ? openSrs1(inner) : openSrs0(inner, now);
}

function openSrs0(inner: string, now: Date): Opened | undefined {
  const afterStamp = inner.indexOf('=');
  const age = ageInDays(inner.slice(0, afterStamp), now);
  if (afterStamp !== 2 || age === undefined || age > VALID_DAYS) return undefined;
  const afterDomain = inner.indexOf('=', 3);
  if (afterDomain === -1) return undefined;
  const domain = inner.slice(3, afterDomain);
  const local = inner.slice(afterDomain + 1);
  if (local === '') return undefined;
  if (domain === '') return { kind: 'kept', token: local.toLowerCase() };
  return { kind: 'address', address: written(local, domain) };
}

/** Goes back to the one who sealed first, past all between; that one looks at the age. */
function openSrs1(inner: string): Opened | undefined {
  const afterDomain = inner.indexOf('=');
  if (afterDomain < 1) return undefined;
  const local = `SRS0${inner.slice(afterDomain + 1)}`;
  return looksSealed(local)
    ? { kind: 'address', address: written(local, inner.slice(0, afterDomain)) }
    : undefined;
}

/** `domain==…` of somebody's SRS1. */
function innerOfSrs1(local: string): string | undefined {
  const afterSeal = local.indexOf('=', 5);
  const inner = afterSeal === -1 ? '' : local.slice(afterSeal + 1);
  return /^[^=]+=[=+-]/.test(inner) ? inner : undefined;
}

/** Quoted where it must be (RFC 5321 §4.1.2). */
export function written(local: string, domain: string): string {
  const plain = /^[^\s"(),:;<>@[\\\]]+$/.test(local) && !local.startsWith('.') && !local.endsWith('.');
  return plain && !local.includes('..')
    ? `${local}@${domain}`
    : `"${local.replace(/[\\"]/g, '\\$&')}"@${domain}`;
}

/** An address as written, its local part without quoting and in its own case; undefined for what is none. */
export function pathOf(address: string): Path | undefined {
  const at = address.lastIndexOf('@');
  if (at < 1 || at === address.length - 1) return undefined;
  const quoted = address.slice(0, at);
  const local =
    quoted.length >= 2 && quoted.startsWith('"') && quoted.endsWith('"')
      ? quoted.slice(1, -1).replace(/\\(.)/gsu, '$1')
      : quoted;
  return local === '' ? undefined : { local, domain: address.slice(at + 1) };
}

function sealOf(inner: string, secret: Buffer): string {
  return base32(createHmac('sha256', secret).update(inner.toLowerCase()).digest(), SEAL);
}

/** The first characters of octets in base32, RFC 4648 §6. */
export function base32(octets: Buffer, characters: number): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const octet of octets) {
    held = (held << 8) | octet;
    bits += 8;
    while (bits >= 5 && text.length < characters) {
      bits -= 5;
      text += BASE32[(held >>> bits) & 31];
    }
    held &= (1 << bits) - 1;
    if (text.length >= characters) break;
  }
  return text;
}

function dayOf(now: Date): number {
  return Math.floor(now.getTime() / 86_400_000) % DAYS;
}

function stamp(now: Date): string {
  const day = dayOf(now);
  return `${BASE32[day >>> 5]}${BASE32[day & 31]}`;
}

/** Whole days; a clock that is a day behind ours may have stamped it tomorrow, which is 0. */
function ageInDays(text: string, now: Date): number | undefined {
  const high = BASE32.indexOf(text.slice(0, 1).toUpperCase());
  const low = BASE32.indexOf(text.slice(1, 2).toUpperCase());
  if (text.length !== 2 || high < 0 || low < 0) return undefined;
  const age = (dayOf(now) - (high * 32 + low) + DAYS) % DAYS;
  return age === DAYS - 1 ? 0 : age;
}
