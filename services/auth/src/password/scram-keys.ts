import { createHash, createHmac, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import { saslprep } from '../sasl/saslprep.ts';

/** What a server keeps of a password for SCRAM-SHA-256: enough to check a client, not to be one (RFC 5802 §3). */
export interface ScramKeys {
  readonly salt: Buffer;
  readonly iterations: number;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

const derive = promisify(pbkdf2);

/**
 * On one of libuv's threads, for milliseconds: call it from the hash queue.
 * @returns undefined for a password that SASLprep prohibits: it logs in by other mechanisms
 */
export async function makeScramKeys(
  password: string,
  salt: Buffer,
  iterations: number,
): Promise<ScramKeys | undefined> {
  const prepared = saslprep(password);
  if (prepared === undefined) return undefined;
  const salted = await derive(prepared, salt, iterations, 32, 'sha256');
  return {
    salt,
    iterations,
    storedKey: sha256(hmac(salted, 'Client Key')),
    serverKey: hmac(salted, 'Server Key'),
  };
}

export function hmac(key: Buffer, text: string | Buffer): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

export function sha256(octets: Buffer): Buffer {
  return createHash('sha256').update(octets).digest();
}
