/** Signs letters for tests with any tags, right and wrong: the verifier's counterpart, not the product's signer. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { fieldValue, headerEnd, headerFields } from '@waybill/message';
import {
  bodyDigest,
  canonicalField,
  type CanonicalForm,
  canonicalSignatureField,
} from '../src/dkim/canonical-form.ts';

export const PAIRS = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  short: generateKeyPairSync('rsa', { modulusLength: 768 }),
  ed25519: generateKeyPairSync('ed25519'),
};

const der = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });
export const PUBLIC = {
  rsa: der(PAIRS.rsa.publicKey).toString('base64'),
  short: der(PAIRS.short.publicKey).toString('base64'),
  ed25519: der(PAIRS.ed25519.publicKey).subarray(-32).toString('base64'),
};

export const FROM = 'From: Alice <alice@red.test>';
export const LETTER = `${FROM}\r\nTo: Bob <bob@blue.test>\r\nSubject: Hello\r\n\r\nHello Bob,\r\n\r\nhow are you?\r\n`;
export const NOW = new Date('2026-11-24T18:00:00Z');
export const SECONDS = NOW.getTime() / 1000;

/** Tags that differ from those of a good signature; undefined leaves one out. */
export type Tags = Readonly<Record<string, string | undefined>>;

/** The letter with a signature in front of it. */
export function signed(letter: string, tags: Tags = {}, pair: keyof typeof PAIRS = 'rsa'): string {
  const message = Buffer.from(letter);
  const [headerForm, bodyForm = 'simple'] = (tags['c'] ?? 'relaxed/relaxed').split('/') as CanonicalForm[];
  const body = message.subarray(headerEnd(message));
  const limit = tags['l'] === undefined ? Infinity : Number(tags['l']);
  const all: Record<string, string | undefined> = {
    v: '1',
    a: pair === 'ed25519' ? 'ed25519-sha256' : 'rsa-sha256',
    c: 'relaxed/relaxed',
    d: 'red.test',
    s: pair,
    h: 'from:to:subject',
    bh: bodyDigest([body], bodyForm, 'sha256', limit).digest.toString('base64'),
    ...tags,
  };
  const text = Object.entries(all)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
    .join('; ');
  const unsigned = `DKIM-Signature: ${text}; b=`;
  const octets = Buffer.concat([
    ...covered(message, all['h'] ?? '', headerForm ?? 'simple'),
    canonicalSignatureField(Buffer.from(unsigned), headerForm ?? 'simple'),
  ]);
  const value =
    pair === 'ed25519'
      ? sign(null, createHash('sha256').update(octets).digest(), PAIRS.ed25519.privateKey)
      : sign('sha256', octets, PAIRS[pair].privateKey);
  return `${unsigned}${value.toString('base64')}\r\n${letter}`;
}

function covered(message: Buffer, names: string, form: CanonicalForm): Buffer[] {
  const fields = headerFields(message);
  return names
    .toLowerCase()
    .split(':')
    .flatMap((one) => {
      const at = fields.findLastIndex(({ name }) => name === one.trim());
      if (at === -1) return [];
      const [field] = fields.splice(at, 1);
      return field === undefined ? [] : [canonicalField(message.subarray(field.start, field.end), form)];
    });
}

/** For tests of what is written: the value of the first field with this name. */
export function valueOf(message: string, name: string): string {
  const octets = Buffer.from(message);
  const field = headerFields(octets).find((one) => one.name === name);
  return field === undefined ? '' : fieldValue(octets, field);
}
