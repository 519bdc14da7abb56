import { StoreRefusal } from '../contract.ts';

/**
 * Mailbox names as the store keeps them: UTF-8, '/' between levels, `INBOX` in capitals also as
 * the first level of its inferiors (RFC 3501 §5.1).
 */

/** Octets of a full name. */
const NAME_LIMIT = 255;
const DEPTH_LIMIT = 32;

/**
 * The stored form of a name. One delimiter at the end, which in CREATE only says that inferiors
 * are meant to come, is taken off (RFC 3501 §6.3.3).
 * @returns undefined for a name that no mailbox can have
 */
export function storedName(given: string): string | undefined {
  const name = given.endsWith('/') ? given.slice(0, -1) : given;
  if (name === '' || name.length > NAME_LIMIT || Buffer.byteLength(name) > NAME_LIMIT) return undefined;
  if (!name.isWellFormed()) return undefined;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    // Control characters, and the wildcards of LIST (RFC 3501 §6.3.8).
    if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0x2a || code === 0x25) return undefined;
  }
  const levels = name.split('/');
  if (levels.length > DEPTH_LIMIT || levels.includes('')) return undefined;
  if (levels[0]!.length === 5 && levels[0]!.toUpperCase() === 'INBOX') levels[0] = 'INBOX';
  return levels.join('/');
}

/** @throws StoreRefusal `bad-name` */
export function requireName(given: string): string {
  const name = storedName(given);
  if (name === undefined) throw new StoreRefusal('bad-name');
  return name;
}

/** The names above this one, outermost first: `a/b/c` → `a`, `a/b`. */
export function parentsOf(name: string): string[] {
  const out: string[] = [];
  for (let at = name.indexOf('/'); at >= 0; at = name.indexOf('/', at + 1)) out.push(name.slice(0, at));
  return out;
}
