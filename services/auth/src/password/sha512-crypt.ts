import { createHash } from 'node:crypto';

/**
 * SHA512-CRYPT, as U. Drepper's "Unix crypt using SHA-256 and SHA-512" describes it (step numbers are
 * its own): `$6$rounds=…$salt$hash`. Synchronous, thousands of rounds of SHA-512: run it where nobody waits.
 */
export interface Sha512Crypt {
  readonly salt: Buffer;
  readonly rounds: number;
  /** 86 characters. */
  readonly hash: string;
}

const DEFAULT_ROUNDS = 5000;
const MIN_ROUNDS = 1000;
const SALT_OCTETS = 16;
const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** @returns undefined for anything else, and for more rounds than `maxRounds` */
export function parseSha512Crypt(text: string, maxRounds: number): Sha512Crypt | undefined {
  const parts = text.split('$');
  if (parts[0] !== '' || parts[1] !== '6') return undefined;
  const given = parts[2]?.startsWith('rounds=') === true ? parts[2].slice(7) : undefined;
  const [salt, hash, ...more] = parts.slice(given === undefined ? 2 : 3);
  if (salt === undefined || hash === undefined || more.length > 0) return undefined;
  if (given !== undefined && !/^\d{1,9}$/.test(given)) return undefined;
  const rounds = Math.max(MIN_ROUNDS, given === undefined ? DEFAULT_ROUNDS : Number(given));
  if (rounds > maxRounds || !/^[./0-9A-Za-z]{86}$/.test(hash)) return undefined;
  return { salt: Buffer.from(salt, 'utf8').subarray(0, SALT_OCTETS), rounds, hash };
}

/** The 86 characters of the hash. */
export function sha512Crypt(key: Buffer, salt: Buffer, rounds: number): string {
  const b = sha512(key, salt, key); // steps 4 to 8
  const parts: Buffer[] = [key, salt, cycled(b, key.length)]; // 9, 10
  for (let n = key.length; n > 0; n >>= 1) parts.push((n & 1) === 1 ? b : key); // 11
  const a = sha512(...parts); // 12
  const p = cycled(sha512(...Array<Buffer>(key.length).fill(key)), key.length); // 13 to 16
  const s = cycled(sha512(...Array<Buffer>(16 + a[0]!).fill(salt)), salt.length); // 17 to 20
  let c = a;
  for (let round = 0; round < rounds; round++) {
    const odd = (round & 1) === 1;
    const input = [odd ? p : c];
    if (round % 3 !== 0) input.push(s);
    if (round % 7 !== 0) input.push(p);
    input.push(odd ? c : p);
    c = sha512(...input); // 21
  }
  return encode(c);
}

function sha512(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha512');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function cycled(octets: Buffer, length: number): Buffer {
  const out = Buffer.alloc(length);
  for (let i = 0; i < length; i++) out[i] = octets[i % octets.length]!;
  return out;
}

/** Step 22: groups of three octets, 21 apart and turned by one each time, least significant six bits first. */
function encode(c: Buffer): string {
  let text = '';
  const put = (value: number, characters: number): void => {
    let rest = value;
    for (let i = 0; i < characters; i++, rest >>>= 6) text += ALPHABET[rest & 63]!;
  };
  let [high, middle, low] = [0, 21, 42];
  for (let i = 0; i < 21; i++) {
    put((c[high]! << 16) | (c[middle]! << 8) | c[low]!, 4);
    [high, middle, low] = [middle + 1, low + 1, high + 1];
  }
  put(c[63]!, 2);
  return text;
}
