import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { DkimAlgorithm } from '@waybill/signing';

/** A new DKIM key: its private half, and the p= of its record. */
export interface NewKey {
  readonly algorithm: DkimAlgorithm;
  readonly selector: string;
  readonly publicKey: string;
  /** PKCS #8, PEM. */
  readonly privateKey: string;
}

/** RFC 8301 §3.2: at least 1024, better 2048; more does not fit into DNS answers well. */
const RSA_BITS = 2048;
const generate = promisify(generateKeyPair);

/** One key of each kind, made beside the event loop: RSA takes a tenth of a second and more. */
export async function newKeyPairs(taken: ReadonlySet<string>, now: Date): Promise<readonly NewKey[]> {
  const [rsa, ed25519] = await Promise.all([
    generate('rsa', { modulusLength: RSA_BITS }),
    generate('ed25519', {}),
  ]);
  return [
    {
      algorithm: 'rsa-sha256',
      selector: newSelector('r', taken, now),
      publicKey: rsa.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
      privateKey: pem(rsa.privateKey),
    },
    {
      algorithm: 'ed25519-sha256',
      selector: newSelector('e', taken, now),
      // RFC 8463 §4: the 32 octets alone, which are the last of the SubjectPublicKeyInfo.
      publicKey: ed25519.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64'),
      privateKey: pem(ed25519.privateKey),
    },
  ];
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** `wb202611r`, or `wb202611r2` and so on: a domain never has a selector twice. */
export function newSelector(kind: 'r' | 'e', taken: ReadonlySet<string>, now: Date): string {
  const base = `wb${now.getUTCFullYear()}${String(now.getUTCMonth() + 1).padStart(2, '0')}${kind}`;
  for (let n = 1; ; n++) {
    const selector = n === 1 ? base : `${base}${n}`;
    if (!taken.has(selector)) return selector;
  }
}
