/**
 * Verifies the signatures of a message (RFC 6376 §6, RFC 8463, RFC 8301). A message is hashed once for each form
 * that its signatures ask for; cost is linear in its size, and bounded in signatures and look-ups.
 */
import { createHash, verify } from 'node:crypto';
import { fieldValue, type HeaderField, headerFields, isHeaderRead } from '@waybill/message';
import type { CheckLimits, Dkim, Names } from '../contract.ts';
import { isAtOrBelow } from '../names/domain-name.ts';
import { BodyHashes } from './body-hashes.ts';
import { canonicalSignatureField } from './canonical-form.ts';
import { type PublishedKey, readKeyRecord } from './key-record.ts';
import { splitMessage } from './message-parts.ts';
import { type Named, NOBODY, readSignature, type Signature } from './signature-field.ts';
import { SignedFields } from './signed-fields.ts';

/** Key records of one selector that are tried (RFC 6376 §3.6.2.2 knows one). */
const MOST_KEYS = 5;
/** Octets of one signature field; it is nobody's beyond. */
const MOST_OF_FIELD = 64 * 1024;

interface Answer {
  readonly result: Dkim['result'];
  readonly comment: string;
  readonly testing?: boolean;
}

/** One fact per signature, in order. Never rejects. */
export async function verifyMessage(
  names: Names,
  pieces: readonly Buffer[],
  now: Date,
  { signatures: most = 5, rsaBits = 1024 }: CheckLimits,
): Promise<readonly Dkim[]> {
  const { header, body } = splitMessage(pieces);
  const fields = headerFields(header);
  const signed = fields.filter(({ name }) => name === 'dkim-signature');
  if (signed.length === 0) return [];
  if (!isHeaderRead(header, fields))
    return signed
      .slice(0, most)
      .map(() => fact(NOBODY, { result: 'policy', comment: 'the header is too large to be read' }));
  const message = { header, fields: new SignedFields(header, fields), hashes: new BodyHashes(body) };
  const chosen = choose(header, fields, signed, most);
  return Promise.all(
    signed.map((field) => (chosen.has(field) ? check(names, message, field, now, rsaBits) : passedOver())),
  );
}

interface Message {
  readonly header: Buffer;
  readonly fields: SignedFields;
  readonly hashes: BodyHashes;
}

async function check(
  names: Names,
  message: Message,
  field: HeaderField,
  now: Date,
  rsaBits: number,
): Promise<Dkim> {
  const { header } = message;
  if (field.end - field.start > MOST_OF_FIELD)
    return fact(NOBODY, { result: 'permerror', comment: 'the signature is too large' });
  const read = readSignature(fieldValue(header, field), now);
  if (!('signature' in read)) return fact(read.named, read);
  try {
    const before = await coverage(message, read.signature);
    if (before !== undefined) return fact(read.named, before);
    return fact(read.named, await checkKey(names, message, field, read.signature, rsaBits));
  } catch (error) {
    return fact(read.named, { result: 'temperror', comment: (error as Error).message });
  }
}

/** What can be said without the key: whether it is this body, and all of it, and every From. */
async function coverage(
  { fields, hashes }: Message,
  { names, bodyForm, bodyHash, bodyLength }: Signature,
): Promise<Answer | undefined> {
  // RFC 6376 §8.15: a second From that is not signed is what the reader might see.
  if (fields.count('from') > names.filter((name) => name === 'from').length)
    return { result: 'policy', comment: 'a From field is not signed' };
  const { digest, length } = await hashes.digest(bodyForm);
  if (bodyLength !== undefined && bodyLength > length)
    return { result: 'permerror', comment: 'l= is more than there is of the body' };
  // RFC 6376 §8.2: what was put behind the signed part may be all that a reader sees. So a part is never hashed: as
  // many times as there are signatures the body would be gone through for nothing.
  if (bodyLength !== undefined && bodyLength < length)
    return {
      result: 'policy',
      comment: `only ${bodyLength} of ${length} octets of the body are signed`,
    };
  if (!digest.equals(bodyHash)) return { result: 'fail', comment: 'the body was changed' };
  return undefined;
}

async function checkKey(
  names: Names,
  message: Message,
  field: HeaderField,
  signature: Signature,
  rsaBits: number,
): Promise<Answer> {
  const { selector, domain } = signature;
  const answer = await names.lookup(`${selector}._domainkey.${domain}`, 'TXT');
  if (answer.kind === 'try-later') return { result: 'temperror', comment: answer.cause };
  if (answer.kind !== 'found') return { result: 'permerror', comment: 'no key is published' };
  const octets = signedOctets(message, field, signature);
  let worst: Answer | undefined;
  for (const text of answer.records.slice(0, MOST_KEYS)) {
    const key = readKeyRecord(text);
    const found =
      'fault' in key
        ? ({ result: 'permerror', comment: key.fault } as const)
        : tryKey(key, signature, octets, rsaBits);
    if (found.result === 'pass') return found;
    worst ??= found;
  }
  return worst ?? { result: 'permerror', comment: 'no key is published' };
}

/** RFC 6376 §3.7: the fields, then the signature itself without its value. */
function signedOctets({ header, fields }: Message, field: HeaderField, signature: Signature): Buffer {
  const own = canonicalSignatureField(header.subarray(field.start, field.end), signature.headerForm);
  return Buffer.concat([...fields.covered(signature.names, signature.headerForm), own]);
}

function tryKey(
  { kind, key, bits, testing, exact }: PublishedKey,
  { algorithm, agent, domain, value, bodyLength }: Signature,
  octets: Buffer,
  rsaBits: number,
): Answer {
  if (!algorithm.startsWith(kind))
    return { result: 'permerror', comment: 'the key is of another kind', testing };
  if (exact && agent !== domain)
    return { result: 'permerror', comment: 'the key is for its domain alone, not for i=', testing };
  // RFC 8301 §3.2
  if (kind === 'rsa' && bits < rsaBits)
    return { result: 'policy', comment: `a key of ${bits} bits is not believed`, testing };
  const good =
    kind === 'rsa'
      ? verify('sha256', octets, key, value)
      : // RFC 8463 §3: Ed25519 signs the hash
        verify(null, createHash('sha256').update(octets).digest(), key, value);
  if (!good) return { result: 'fail', comment: 'the header was changed, or another key signed it', testing };
  const comment = kind === 'rsa' ? `${bits}-bit key` : 'Ed25519 key';
  return {
    result: 'pass',
    comment: bodyLength === undefined ? comment : `${comment}; l= covers the whole body`,
    testing,
  };
}

/**
 * The signatures that are worth their cost: those of the domain in From, then as they come. So nobody can hide
 * one by putting others in front of it.
 */
function choose(
  header: Buffer,
  fields: readonly HeaderField[],
  signed: readonly HeaderField[],
  most: number,
): ReadonlySet<HeaderField> {
  if (signed.length <= most) return new Set(signed);
  const from = fields.find(({ name }) => name === 'from');
  const author = from === undefined ? '' : lastDomain(fieldValue(header, from));
  const related = signed.filter((field) => {
    if (author === '' || field.end - field.start > MOST_OF_FIELD) return false;
    const domain = domainTag(fieldValue(header, field));
    return isAtOrBelow(domain, author) || isAtOrBelow(author, domain);
  });
  return new Set([...new Set([...related, ...signed])].slice(0, most));
}

/** A guess that only decides who is looked at first. */
function lastDomain(value: string): string {
  const at = value.lastIndexOf('@');
  let end = at + 1;
  while (end < value.length && !' \t>,;()'.includes(value[end] as string)) end++;
  return at === -1 ? '' : value.slice(at + 1, end).toLowerCase();
}

function domainTag(value: string): string {
  for (const tag of value.split(';', 50)) {
    const text = tag.trim();
    if (text.startsWith('d') && text.slice(1).trimStart().startsWith('='))
      return text
        .slice(text.indexOf('=') + 1)
        .trim()
        .toLowerCase();
  }
  return '\n'; // below no domain
}

function passedOver(): Promise<Dkim> {
  return Promise.resolve(fact(NOBODY, { result: 'policy', comment: 'there are too many signatures' }));
}

function fact({ domain, selector, algorithm, signature }: Named, { result, comment, testing }: Answer): Dkim {
  return { result, domain, selector, algorithm, testing: testing ?? false, signature, comment };
}
