import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';
import type { Answer, RecordType, RecordTypes } from '@waybill/dns';
import { fieldValue, type HeaderField, headerEnd, headerFields, isHeaderRead } from '@waybill/message';
import type { Names } from '../contract.ts';
import { BodyHashes } from './body-hashes.ts';
import { canonicalField, canonicalSignatureField } from './canonical-form.ts';
import type { SigningKey } from './signing-key.ts';
import { verifyMessage } from './verifier.ts';

/** DKIM-Signature fields for a message, one per key, with one hash of the body for all (RFC 6376 §5). */
export interface Signatures {
  /** The fields, folded, CRLF after each: to be put in front of the message. */
  readonly fields: Buffer;
  /** The keys that signed; one whose signature the message bears already, and whole, does not sign again. */
  readonly keys: readonly SigningKey[];
}

/**
 * Fields that nobody may add one of behind our back (RFC 6376 §8.15): named in h= once more than they
 * stand in the message.
 */
const SEALED = ['from', 'to', 'cc', 'subject', 'date', 'message-id'];
/** Fields that are signed as often as they are there (RFC 6376 §5.4.1). */
const SIGNED = [
  'sender',
  'reply-to',
  'in-reply-to',
  'references',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'content-id',
  'content-description',
  'resent-date',
  'resent-from',
  'resent-sender',
  'resent-to',
  'resent-cc',
  'resent-message-id',
  'list-id',
  'list-help',
  'list-unsubscribe',
  'list-unsubscribe-post',
  'list-subscribe',
  'list-post',
  'list-owner',
  'list-archive',
];
/** Instances of one field that are named; a header of more is nobody's mail. */
const MOST_INSTANCES = 100;

/**
 * Signs a whole message of CRLF line ends, relaxed/relaxed. A message without From: is signed by nobody
 * (RFC 6376 §5.4): no fields come back.
 * @throws what node:crypto throws for a key that is none
 */
export async function signMessage(
  message: Buffer,
  keys: readonly SigningKey[],
  now: Date,
): Promise<Signatures> {
  const fields = headerFields(message);
  const borne = await Promise.all(keys.map((key) => bears(message, fields, key, now)));
  const used = keys.filter((_key, i) => borne[i] === false);
  // A header that was not read to its end may hold another From:, and no signature over it would hold.
  if (used.length === 0 || !fields.some(({ name }) => name === 'from') || !isHeaderRead(message, fields))
    return { fields: Buffer.alloc(0), keys: [] };
  const { names, octets } = signedFields(message, fields);
  const { digest } = await new BodyHashes([message.subarray(headerEnd(message))]).digest('relaxed');
  const bodyHash = digest.toString('base64');
  const time = Math.floor(now.getTime() / 1000);
  const signed = used.map(async (key) => {
    const unsigned = signatureField(key, names, bodyHash, time);
    const own = canonicalSignatureField(Buffer.from(unsigned), 'relaxed');
    const value = await signature(key, [...octets, own]);
    return `${unsigned}${folded(value)}\r\n`;
  });
  return { fields: Buffer.from((await Promise.all(signed)).join('')), keys: used };
}

/** The names for h=, and the canonical fields in that order, the last instance of each first (RFC 6376 §5.4.2). */
function signedFields(
  message: Buffer,
  fields: readonly HeaderField[],
): { readonly names: string; readonly octets: readonly Buffer[] } {
  const places = new Map<string, HeaderField[]>();
  for (const field of fields) {
    const found = places.get(field.name);
    if (found === undefined) places.set(field.name, [field]);
    else found.push(field);
  }
  const names: string[] = [];
  const octets: Buffer[] = [];
  const take = (name: string): void => {
    const found = places.get(name) ?? [];
    for (let i = found.length - 1; i >= 0 && i >= found.length - MOST_INSTANCES; i--) {
      const { start, end } = found[i] as HeaderField;
      names.push(name);
      octets.push(canonicalField(message.subarray(start, end), 'relaxed'));
    }
  };
  for (const name of SEALED) {
    take(name);
    names.push(name);
  }
  for (const name of SIGNED) take(name);
  return { names: foldedNames(names), octets };
}

/** The field up to `b=`: no i=, l= or x=, and nothing after (RFC 6376 §3.5). */
function signatureField(key: SigningKey, names: string, bodyHash: string, time: number): string {
  return (
    `DKIM-Signature: v=1; a=${key.algorithm}; c=relaxed/relaxed;\r\n` +
    `\td=${key.domain}; s=${key.selector}; t=${time};\r\n` +
    `\th=${names};\r\n` +
    `\tbh=${bodyHash};\r\n` +
    `\tb=`
  );
}

/** h= in lines of at most 78 characters: white space may stand after a colon (RFC 6376 §3.5 h=). */
function foldedNames(names: readonly string[]): string {
  let text = '';
  let column = 10;
  for (const [i, name] of names.entries()) {
    if (i > 0) text += ':';
    if (i > 0 && column + name.length + 1 > 76) {
      text += '\r\n\t ';
      column = 9;
    }
    text += name;
    column += name.length + 1;
  }
  return text;
}

function folded(value: string): string {
  const lines: string[] = [];
  for (let at = 0; at < value.length; at += 66) lines.push(value.slice(at, at + 66));
  return lines.join('\r\n\t ');
}

/** RFC 6376 §3.3.1, RFC 8463 §3. RSA is slow enough to be done beside the event loop. */
function signature(key: SigningKey, octets: readonly Buffer[]): Promise<string> {
  if (key.algorithm === 'rsa-sha256') return rsa(Buffer.concat(octets), key.privateKey);
  const hash = createHash('sha256');
  for (const one of octets) hash.update(one);
  return Promise.resolve(sign(null, hash.digest(), key.privateKey).toString('base64'));
}

function rsa(octets: Buffer, key: KeyObject): Promise<string> {
  return new Promise((resolve, reject) => {
    sign('sha256', octets, key, (error, made) => {
      if (error === null) resolve(made.toString('base64'));
      else reject(error);
    });
  });
}

/**
 * Whether the message came with a signature of this very key that holds: an mta of ours before us made it. One that
 * holds no more, because a list changed what it signs, proves nothing and keeps nobody from signing.
 */
async function bears(
  message: Buffer,
  fields: readonly HeaderField[],
  key: SigningKey,
  now: Date,
): Promise<boolean> {
  if (!fields.some((field) => isOf(key, message, field))) return false;
  const found = await verifyMessage(ownRecord(key), [message], now, {});
  return found.some(
    ({ result, domain, selector }) => result === 'pass' && domain === key.domain && selector === key.selector,
  );
}

function isOf(key: SigningKey, message: Buffer, field: HeaderField): boolean {
  if (field.name !== 'dkim-signature') return false;
  const tags = fieldValue(message, field, 'latin1')
    .slice(0, 2000)
    .split(';')
    .map((tag) => tag.trim().toLowerCase());
  return tags.includes(`d=${key.domain}`) && tags.includes(`s=${key.selector}`);
}

/** A DNS in which the key's record is all there is. */
function ownRecord({ domain, selector, algorithm, privateKey }: SigningKey): Names {
  const kind = algorithm === 'rsa-sha256' ? 'rsa' : 'ed25519';
  const octets = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const record = `v=DKIM1; k=${kind}; p=${octets.toString('base64')}`;
  return {
    lookup: <T extends RecordType>(name: string, type: T) =>
      Promise.resolve<Answer<RecordTypes[T]>>(
        type === 'TXT' && name === `${selector}._domainkey.${domain}`
          ? { kind: 'found', records: [record as RecordTypes[T]], authenticated: false }
          : { kind: 'nxdomain' },
      ),
  };
}
