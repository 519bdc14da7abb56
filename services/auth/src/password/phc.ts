import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * Passwords as argon2id PHC strings: `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`. Hashing runs on
 * libuv's threads, tens of milliseconds each: call it only from the bounded queue.
 */
export interface HashCost {
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** OWASP's smallest recommended setting: 19 MiB, two passes, one lane. */
export const DEFAULT_COST: HashCost = { memory: 19_456, passes: 2, parallelism: 1 };
const SALT_OCTETS = 16;
const HASH_OCTETS = 32;
/** A stored string that asks for more than this is refused: it would be a way to exhaust memory. */
const MAX_MEMORY_KIB = 1 << 20;
const MAX_PASSES = 64;

interface Phc extends HashCost {
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** Passwords are compared in Unicode NFC: two keyboards may compose the same letter differently. */
export function passwordOctets(password: string): Buffer {
  return Buffer.from(password.normalize('NFC'), 'utf8');
}

/** @returns a PHC string, with a fresh salt unless one is given */
export async function hashPassword(
  password: string,
  {
    salt = randomBytes(SALT_OCTETS),
    cost = DEFAULT_COST,
  }: { salt?: Buffer | undefined; cost?: HashCost } = {},
): Promise<string> {
  const hash = await derive(passwordOctets(password), salt, cost, HASH_OCTETS);
  const { memory, passes, parallelism } = cost;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(hash)}`;
}

/** Whether a password fits. A string that cannot be read fits none. */
export async function verifyPassword(password: string, phc: string): Promise<boolean> {
  return (await findFitting(password, [phc])) === 0;
}

/** Which of several strings a password fits: one hash for all that share salt and cost. @returns -1 for none */
export async function findFitting(password: string, phcs: readonly string[]): Promise<number> {
  const groups = Map.groupBy(phcs.keys(), (i) => phcs[i]!.slice(0, phcs[i]!.lastIndexOf('$')));
  let found = -1;
  for (const indexes of groups.values()) {
    const stored = parsePhc(phcs[indexes[0]!]!);
    if (stored === undefined) continue;
    const hash = await derive(passwordOctets(password), stored.salt, stored, stored.hash.length);
    for (const i of indexes) {
      const other = parsePhc(phcs[i]!)?.hash;
      if (other?.length === hash.length && timingSafeEqual(hash, other) && found < 0) found = i;
    }
  }
  return found;
}

/** The salt in a string; undefined where it cannot be read. */
export function saltOf(phc: string): Buffer | undefined {
  return parsePhc(phc)?.salt;
}

/** Whether a string costs what a new one would. */
export function isOfDefaultCost(phc: string): boolean {
  const { memory, passes, parallelism } = DEFAULT_COST;
  const stored = parsePhc(phc);
  return stored?.memory === memory && stored.passes === passes && stored.parallelism === parallelism;
}

/** @returns undefined for another algorithm, malformed text, or costs beyond the limits */
export function parsePhc(text: string): Phc | undefined {
  const [empty, algorithm, version, costs, salt, hash, ...more] = text.split('$');
  if (empty !== '' || algorithm !== 'argon2id' || version !== 'v=19' || more.length > 0) return undefined;
  if (costs === undefined || salt === undefined || hash === undefined) return undefined;
  const [memory, passes, parallelism, ...rest] = costs
    .split(',')
    .map((part, i) => (part.startsWith(`${'mtp'[i]}=`) ? Number(part.slice(2)) : Number.NaN));
  if (memory === undefined || passes === undefined || parallelism === undefined || rest.length > 0)
    return undefined;
  if (!within(parallelism, 1, 16) || !within(passes, 1, MAX_PASSES)) return undefined;
  if (!within(memory, 8 * parallelism, MAX_MEMORY_KIB)) return undefined;
  const parsed = { salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
  // RFC 9106 §3.1: at least 8 octets of salt and 4 of tag; shorter than 16 is no password hash.
  if (!within(parsed.salt.length, 8, 64) || !within(parsed.hash.length, 16, 128)) return undefined;
  return { memory, passes, parallelism, ...parsed };
}

function within(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function derive(message: Buffer, nonce: Buffer, cost: HashCost, tagLength: number): Promise<Buffer> {
  const { memory, passes, parallelism } = cost;
  return new Promise((resolve, reject) => {
    argon2('argon2id', { message, nonce, memory, passes, parallelism, tagLength }, (error, hash) => {
      if (error === null) resolve(hash);
      else reject(error);
    });
  });
}

/** PHC strings carry base64 without padding. */
function base64(octets: Buffer): string {
  return octets.toString('base64').replace(/={1,2}$/, '');
}
