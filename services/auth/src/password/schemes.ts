import { createHash, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import bcrypt from 'bcryptjs';
import { parsePhc } from './phc.ts';
import { parseSha512Crypt, sha512Crypt } from './sha512-crypt.ts';

/**
 * Passwords as other servers kept them: `{SCHEME}…`, each with a reader that refuses what is malformed
 * or would cost too much, and a comparison. Synchronous and slow: they run in a thread of their own
 * (foreign-hashes.ts), and only until the owner has logged in once and has an argon2id hash.
 */
export type Verify = (password: Buffer) => boolean;

/** Reads what follows the scheme's name. @returns why it cannot be taken, or the comparison */
type Reader = (body: string) => Verify | string;

/** Limits of cost: a comparison takes about two seconds of one core at most. */
const MAX_SHA512_ROUNDS = 1_000_000;
const MAX_BCRYPT_COST = 14;
const MAX_PBKDF2_ROUNDS = 2_000_000;
const MAX_ARGON2_KIB = 1 << 18;
const MAX_ARGON2_WORK = 1 << 20;

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['SHA512-CRYPT', readSha512Crypt],
  ['BLF-CRYPT', readBcrypt],
  ['PBKDF2', readPbkdf2],
  ['SSHA', (body) => readSalted(body, 'sha1', 20)],
  ['SSHA512', (body) => readSalted(body, 'sha512', 64)],
]);
/** argon2id is our own form and needs no thread. */
const OWN = 'ARGON2ID';
export const SCHEMES: readonly string[] = [...READERS.keys(), OWN];

/** What an import is stored as. */
export type Imported = { readonly stored: string } | { readonly fault: string };

/** Reads a hash that comes from elsewhere; without a scheme in braces `$6$`, `$2y$` and `$argon2id$` say it themselves. */
export function readImport(text: string): Imported {
  const trimmed = text.trim();
  const [scheme, body] = splitScheme(trimmed);
  if (scheme === OWN) {
    const cost = parsePhc(body);
    if (cost === undefined) return { fault: `this {${OWN}} hash is malformed` };
    if (cost.memory > MAX_ARGON2_KIB || cost.memory * cost.passes > MAX_ARGON2_WORK)
      return { fault: `this {${OWN}} hash costs more than 256 MiB, or 1 GiB over all passes` };
    return { stored: body };
  }
  const reader = READERS.get(scheme.replace(/\.(HEX|B64)$/, ''));
  if (reader === undefined)
    return {
      fault: `${scheme === '' ? 'the hash names no scheme' : `the scheme {${scheme.slice(0, 32)}} is not known`}; known are ${SCHEMES.map((name) => `{${name}}`).join(', ')}`,
    };
  const read = reader(withEncoding(scheme, body));
  return typeof read === 'string'
    ? { fault: `this {${scheme}} hash ${read}` }
    : { stored: `{${scheme}}${body}` };
}

/** Whether a stored string is one of these, and not an argon2id string of ours. */
export function isForeign(stored: string): boolean {
  return stored.startsWith('{');
}

/** Compares; false also for what cannot be read. */
export function verifyForeign(password: Buffer, stored: string): boolean {
  const [scheme, body] = splitScheme(stored);
  const read = READERS.get(scheme.replace(/\.(HEX|B64)$/, ''))?.(withEncoding(scheme, body));
  return typeof read === 'function' && read(password);
}

function splitScheme(text: string): readonly [scheme: string, body: string] {
  if (text.startsWith('{')) {
    const end = text.indexOf('}');
    const scheme = end < 0 ? '' : text.slice(1, end).toUpperCase();
    const body = text.slice(end + 1);
    return scheme === 'CRYPT' ? [schemeOfCrypt(body), body] : [scheme, body];
  }
  return [schemeOfCrypt(text), text];
}

function schemeOfCrypt(body: string): string {
  if (body.startsWith('$6$')) return 'SHA512-CRYPT';
  if (body.startsWith('$2')) return 'BLF-CRYPT';
  if (body.startsWith('$argon2id$')) return OWN;
  return '';
}

/** Dovecot says how the octets are written: `{SSHA.HEX}`; readers of octets take base64. */
function withEncoding(scheme: string, body: string): string {
  if (!scheme.endsWith('.HEX')) return body;
  return /^([0-9a-fA-F]{2})+$/.test(body) ? Buffer.from(body, 'hex').toString('base64') : '';
}

function readSha512Crypt(body: string): Verify | string {
  const stored = parseSha512Crypt(body, MAX_SHA512_ROUNDS);
  if (stored === undefined) return `is malformed, or has more than ${MAX_SHA512_ROUNDS} rounds`;
  return (password) =>
    timingSafeEqual(Buffer.from(sha512Crypt(password, stored.salt, stored.rounds)), Buffer.from(stored.hash));
}

function readBcrypt(body: string): Verify | string {
  const parts = /^\$2([aby])\$(\d\d)\$([./A-Za-z0-9]{53})$/.exec(body);
  if (parts === null) return 'is malformed';
  const cost = Number(parts[2]);
  if (cost < 4 || cost > MAX_BCRYPT_COST) return `has a cost outside 4 to ${MAX_BCRYPT_COST}`;
  // 2y and 2b are one algorithm; 2a differs from it only in faults that others had.
  const stored = `$2b$${parts[2]}$${parts[3]}`;
  return (password) => bcrypt.compareSync(password.toString('utf8'), stored);
}

/** `$1$salt$rounds$hex` with SHA-1, as Dovecot writes it: the salt is taken as the characters that it shows. */
function readPbkdf2(body: string): Verify | string {
  const [empty, version, salt = '', digits = '', hex = '', ...more] = body.split('$');
  if (empty !== '' || version !== '1' || more.length > 0 || salt === '' || salt.length > 64)
    return 'is not of the form $1$salt$rounds$hash';
  if (!/^\d{1,7}$/.test(digits) || Number(digits) < 1 || Number(digits) > MAX_PBKDF2_ROUNDS)
    return `has more than ${MAX_PBKDF2_ROUNDS} rounds`;
  if (!/^[0-9a-f]{40}$/i.test(hex)) return 'has no SHA-1 hash of 40 hexadecimal digits';
  const hash = Buffer.from(hex, 'hex');
  return (password) => timingSafeEqual(pbkdf2Sync(password, salt, Number(digits), hash.length, 'sha1'), hash);
}

/** The digest of password and salt, then the salt. */
function readSalted(body: string, algorithm: 'sha1' | 'sha512', octets: number): Verify | string {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(body)) return 'is no base64';
  const all = Buffer.from(body, 'base64');
  const [hash, salt] = [all.subarray(0, octets), all.subarray(octets)];
  if (salt.length < 1 || salt.length > 64) return `is no digest of ${octets} octets with a salt behind it`;
  return (password) => timingSafeEqual(createHash(algorithm).update(password).update(salt).digest(), hash);
}
