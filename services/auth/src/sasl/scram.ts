import { timingSafeEqual } from 'node:crypto';
import { hmac, type ScramKeys, sha256 } from '../password/scram-keys.ts';

/**
 * SCRAM-SHA-256 as the server says it (RFC 5802, RFC 7677), without channel binding: messages are read
 * to values, proofs are checked, nothing is remembered here. Pure.
 */
export interface ClientFirst {
  /** `n,,` or `y,a=…,`: the client sends it back later, in base64. */
  readonly gs2: string;
  readonly bare: string;
  /** As said, without its escapes; not prepared. */
  readonly username: string;
  /** Whom the client wants to act as; '' when it does not say. */
  readonly authzid: string;
  readonly nonce: string;
}

export interface ClientFinal {
  readonly withoutProof: string;
  readonly channel: string;
  readonly nonce: string;
  readonly proof: Buffer;
}

/** Longest message that is read. */
const MAX_OCTETS = 4096;
/** RFC 5802 §7: printable, without a comma. */
const NONCE = /^[\x21-\x2b\x2d-\x7e]{1,256}$/;

/** @returns undefined for what the grammar of RFC 5802 §7 does not know, and where the client insists on a channel binding */
export function readClientFirst(octets: Buffer): ClientFirst | undefined {
  const text = readText(octets);
  const [flag, authz, ...rest] = text?.split(',') ?? [];
  // `p=`: we offer no -PLUS, so there is nothing that it could be bound to. RFC 5802 §6.
  if ((flag !== 'n' && flag !== 'y') || authz === undefined) return undefined;
  const authzid = authz === '' ? '' : authz.startsWith('a=') ? readName(authz.slice(2)) : undefined;
  const [name, nonce] = rest;
  // `m=` in front of the name is an extension that must be understood: RFC 5802 §5.1.
  if (authzid === undefined || !name?.startsWith('n=') || !nonce?.startsWith('r=')) return undefined;
  const username = readName(name.slice(2));
  if (username === undefined || username === '' || !NONCE.test(nonce.slice(2))) return undefined;
  return { gs2: `${flag},${authz},`, bare: rest.join(','), username, authzid, nonce: nonce.slice(2) };
}

export function serverFirst(nonce: string, salt: Buffer, iterations: number): string {
  return `r=${nonce},s=${salt.toString('base64')},i=${iterations}`;
}

/** @returns undefined for what the grammar of RFC 5802 §7 does not know */
export function readClientFinal(octets: Buffer): ClientFinal | undefined {
  const text = readText(octets);
  const proofAt = text?.lastIndexOf(',p=') ?? -1;
  if (text === undefined || proofAt < 0) return undefined;
  const withoutProof = text.slice(0, proofAt);
  const [channel, nonce] = withoutProof.split(',');
  const proof = Buffer.from(text.slice(proofAt + 3), 'base64');
  if (!channel?.startsWith('c=') || !nonce?.startsWith('r=') || proof.length !== 32) return undefined;
  return { withoutProof, channel: channel.slice(2), nonce: nonce.slice(2), proof };
}

/** Whether a proof was made with the password of these keys: RFC 5802 §3. */
export function proves(proof: Buffer, authMessage: string, keys: ScramKeys): boolean {
  const signature = hmac(keys.storedKey, authMessage);
  const clientKey = Buffer.alloc(32);
  for (let i = 0; i < 32; i++) clientKey[i] = proof[i]! ^ signature[i]!;
  return timingSafeEqual(sha256(clientKey), keys.storedKey);
}

/** `v=…`: our own proof, that we knew the keys. */
export function serverFinal(authMessage: string, keys: ScramKeys): string {
  return `v=${hmac(keys.serverKey, authMessage).toString('base64')}`;
}

function readText(octets: Buffer): string | undefined {
  if (octets.length > MAX_OCTETS) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return undefined;
  }
}

/** saslname: `=2C` is a comma and `=3D` an equals sign, and no other `=` may stand in it. */
function readName(text: string): string | undefined {
  let name = '';
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '=') name += text[i];
    else {
      const escaped = text.slice(i, i + 3);
      if (escaped === '=2C') name += ',';
      else if (escaped === '=3D') name += '=';
      else return undefined;
      i += 2;
    }
  }
  return name;
}
