/** Published keys (RFC 6376 §3.6.1, RFC 8463 §4): the text of a record as a key, made once per text. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { Kept } from '../names/kept.ts';
import { base64 } from './signature-field.ts';
import { colonList, parseTagList, withoutBlanks } from './tag-list.ts';

export interface PublishedKey {
  readonly kind: 'rsa' | 'ed25519';
  readonly key: KeyObject;
  /** Of an RSA key; 256 for Ed25519. */
  readonly bits: number;
  /** t=y: the owner only tries. */
  readonly testing: boolean;
  /** t=s: i= must be of d= itself. */
  readonly exact: boolean;
}
export type ReadKey = PublishedKey | { readonly fault: string };

/** RSA beyond this costs more than a sender may make us spend: OpenSSL's own limits are far above. */
const MOST_RSA_BITS = 8192;
const MOST_EXPONENT = 2n ** 32n;
/** RFC 8410 §4: what stands in front of the 32 octets of an Ed25519 key. */
const ED25519_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

const keys = new Kept<ReadKey>(2000, parseKeyRecord);

/** As parseKeyRecord, out of memory where the text was met before. */
export function readKeyRecord(text: string): ReadKey {
  return keys.get(text);
}

export function parseKeyRecord(text: string): ReadKey {
  const tags = parseTagList(text);
  if ('fault' in tags) return { fault: `the key record has ${tags.fault}` };
  const version = tags.get('v');
  // RFC 6376 §3.6.1: v= is the first tag where there is one
  if (version !== undefined && (version !== 'DKIM1' || tags.keys().next().value !== 'v'))
    return { fault: 'not a key record of DKIM1' };
  const kind = (tags.get('k') ?? 'rsa').toLowerCase();
  if (kind !== 'rsa' && kind !== 'ed25519') return { fault: `a key of an unknown kind` };
  const hashes = tags.get('h');
  if (hashes !== undefined && !colonList(hashes.toLowerCase()).includes('sha256'))
    return { fault: 'the key is not for SHA-256' };
  const services = colonList((tags.get('s') ?? '*').toLowerCase());
  if (!services.includes('*') && !services.includes('email')) return { fault: 'the key is not for mail' };
  const flags = colonList((tags.get('t') ?? '').toLowerCase());
  const material = tags.get('p');
  if (material === undefined) return { fault: 'the key record has no p=' };
  if (material === '') return { fault: 'the key is revoked' }; // RFC 6376 §3.6.1 p=
  const octets = base64(withoutBlanks(material));
  const key = octets === undefined ? undefined : kind === 'rsa' ? rsaKey(octets) : ed25519Key(octets);
  if (key === undefined) return { fault: 'p= is no key' };
  const bits = kind === 'rsa' ? (key.asymmetricKeyDetails?.modulusLength ?? 0) : 256;
  if (bits > MOST_RSA_BITS || (key.asymmetricKeyDetails?.publicExponent ?? 0n) > MOST_EXPONENT)
    return { fault: 'the key is larger than any that is used' };
  return { kind, key, bits, testing: flags.includes('y'), exact: flags.includes('s') };
}

/** SubjectPublicKeyInfo, or RSAPublicKey alone: RFC 6376 errata 3017. */
function rsaKey(der: Buffer): KeyObject | undefined {
  return madeKey(der, 'spki', 'rsa') ?? madeKey(der, 'pkcs1', 'rsa');
}

/** RFC 8463 §4.2: the 32 octets alone; some publish SubjectPublicKeyInfo. */
function ed25519Key(octets: Buffer): KeyObject | undefined {
  return madeKey(octets.length === 32 ? Buffer.concat([ED25519_PREFIX, octets]) : octets, 'spki', 'ed25519');
}

function madeKey(der: Buffer, type: 'spki' | 'pkcs1', kind: 'rsa' | 'ed25519'): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: der, format: 'der', type });
    return key.asymmetricKeyType === kind ? key : undefined;
  } catch {
    return undefined;
  }
}
