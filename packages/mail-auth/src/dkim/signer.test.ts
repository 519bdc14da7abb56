import assert from 'node:assert/strict';
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { describe, test } from 'node:test';
import { fieldValue, headerEnd, headerFields } from '@waybill/message';
import { bodyDigest, canonicalField, canonicalSignatureField } from './canonical-form.ts';
import { signMessage } from './signer.ts';
import type { SigningKey } from './signing-key.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed25519 = generateKeyPairSync('ed25519');
const KEYS: readonly (SigningKey & { readonly publicKey: KeyObject })[] = [
  { domain: 'red.test', selector: 'r1', algorithm: 'rsa-sha256', ...rsa },
  { domain: 'red.test', selector: 'e1', algorithm: 'ed25519-sha256', ...ed25519 },
];
const NOW = new Date('2026-11-24T18:00:00Z');
const MESSAGE = Buffer.from(
  [
    'Received: from a by b',
    'From: Alice <alice@red.test>',
    'To: Bob <bob@blue.test>',
    'Subject: A folded',
    '  subject \t with blanks',
    'List-Id: <list.red.test>',
    'Date: Tue, 24 Nov 2026 18:00:00 +0000',
    'Message-ID: <1@red.test>',
    '',
    'Hello  there \t',
    '',
    '.a line with a dot',
    '',
    '',
  ].join('\r\n'),
);

/** The tags of every DKIM-Signature in front of a message, checked one by one against RFC 6376 §6.1. */
function results(message: Buffer): { readonly tags: ReadonlyMap<string, string>; readonly good: boolean }[] {
  const fields = headerFields(message);
  return fields
    .filter(({ name }) => name === 'dkim-signature')
    .map((field) => {
      const value = fieldValue(message, field, 'latin1').replaceAll(/[\t ]/g, '');
      const tags = new Map(
        value.split(';').map((tag) => [tag.slice(0, tag.indexOf('=')), tag.slice(tag.indexOf('=') + 1)]),
      );
      const left = new Map<string, number>();
      const octets: Buffer[] = [];
      for (const name of tags.get('h')!.split(':')) {
        const instances = fields.filter((one) => one.name === name);
        const taken = left.get(name) ?? 0;
        left.set(name, taken + 1);
        const instance = instances.at(-1 - taken);
        if (instance !== undefined)
          octets.push(canonicalField(message.subarray(instance.start, instance.end), 'relaxed'));
      }
      octets.push(canonicalSignatureField(message.subarray(field.start, field.end), 'relaxed'));
      const data = Buffer.concat(octets);
      const key = KEYS.find(({ selector }) => selector === tags.get('s'))!;
      const signature = Buffer.from(tags.get('b')!, 'base64');
      const bodyIsIt =
        bodyDigest([message.subarray(headerEnd(message))], 'relaxed').digest.toString('base64') ===
        tags.get('bh');
      const good =
        key.algorithm === 'rsa-sha256'
          ? verify('sha256', data, key.publicKey, signature)
          : verify(null, createHash('sha256').update(data).digest(), key.publicKey, signature);
      return { tags, good: good && bodyIsIt };
    });
}

const signed = async (message: Buffer = MESSAGE): Promise<Buffer> =>
  Buffer.concat([(await signMessage(message, KEYS, NOW)).fields, message]);
const changed = (message: Buffer, from: string, to: string): Buffer =>
  Buffer.from(message.toString('latin1').replace(from, to), 'latin1');

describe('a signed message', () => {
  test('bears one signature of each kind, and both verify', async () => {
    const found = results(await signed());
    assert.deepEqual(
      found.map(({ tags, good }) => [tags.get('a'), tags.get('s'), good]),
      [
        ['rsa-sha256', 'r1', true],
        ['ed25519-sha256', 'e1', true],
      ],
    );
    const { tags } = found[0]!;
    assert.equal(tags.get('c'), 'relaxed/relaxed');
    assert.equal(tags.get('d'), 'red.test');
    assert.equal(tags.get('t'), String(NOW.getTime() / 1000));
    for (const absent of ['i', 'l', 'x', 'q']) assert.equal(tags.get(absent), undefined, absent);
  });

  test('is the message with fields in front: no octet of it has changed, no line is long', async () => {
    const octets = await signed();
    assert.ok(octets.subarray(-MESSAGE.length).equals(MESSAGE));
    for (const line of octets.subarray(0, -MESSAGE.length).toString().split('\r\n'))
      assert.ok(line.length <= 78, line);
  });

  test('still verifies with other white space, and with trace fields in front', async () => {
    const octets = await signed();
    const respaced = changed(octets, 'Subject: A folded\r\n  subject', 'subject:A folded\r\n\tsubject');
    const traced = Buffer.concat([Buffer.from('Received: from b by c\r\n'), respaced]);
    assert.deepEqual(
      results(traced).map(({ good }) => good),
      [true, true],
    );
  });

  const FORGERIES: readonly [string, string, string][] = [
    ['another body', 'Hello', 'Hallo'],
    ['another subject', 'A folded', 'A forged'],
    ['another author', '<alice@red.test>', '<mallory@red.test>'],
    ['a second author in front', 'Received: from a', 'From: mallory@evil.test\r\nReceived: from a'],
    ['a second author behind', 'Message-ID:', 'From: mallory@evil.test\r\nMessage-ID:'],
    ['a second subject', 'Received: from a', 'Subject: win\r\nReceived: from a'],
    ['a Cc: that was not there', 'Message-ID:', 'Cc: x@evil.test\r\nMessage-ID:'],
    ['another list', '<list.red.test>', '<list.evil.test>'],
    ['text at the end', '.a line with a dot', '.a line with a dot\r\nbuy'],
  ];
  for (const [what, from, to] of FORGERIES)
    test(`verifies no more with ${what}`, async () => {
      assert.deepEqual(
        results(changed(await signed(), from, to)).map(({ good }) => good),
        [false, false],
      );
    });
});

test('a field that stands several times is signed as often', async () => {
  const twice = changed(MESSAGE, 'List-Id:', 'Reply-To: a@red.test\r\nReply-To: b@red.test\r\nList-Id:');
  const octets = await signed(twice);
  assert.deepEqual(
    results(octets).map(({ good, tags }) => [
      good,
      tags
        .get('h')!
        .split(':')
        .filter((one) => one === 'reply-to').length,
    ]),
    [
      [true, 2],
      [true, 2],
    ],
  );
});

test('messages with no body, no end of line, no header end', async () => {
  for (const text of [
    'From: a@red.test\r\n\r\n',
    'From: a@red.test\r\n\r\nx',
    'From: a@red.test\r\n',
    'From: a@red.test',
  ])
    assert.deepEqual(
      results(await signed(Buffer.from(text))).map(({ good }) => good),
      [true, true],
      JSON.stringify(text),
    );
});

test('nobody signs for a message without an author', async () => {
  assert.equal((await signMessage(Buffer.from('Subject: x\r\n\r\nhello\r\n'), KEYS, NOW)).fields.length, 0);
});

test('who finds his own signature in it does not sign again', async () => {
  const once = await signed();
  assert.deepEqual((await signMessage(once, KEYS, NOW)).keys, []);
  const other = { ...KEYS[1]!, selector: 'e2' };
  assert.deepEqual((await signMessage(once, [KEYS[0]!, other], NOW)).keys, [other]);
});

test('a signature of his that holds no more, as after a list changed the message, does not keep him from signing', async () => {
  const key = KEYS[0]!;
  const { fields } = await signMessage(MESSAGE, [key], NOW);
  const changed = Buffer.concat([fields, MESSAGE, Buffer.from('-- \r\nthe list\r\n')]);
  const again = await signMessage(changed, [key], NOW);
  assert.deepEqual(
    again.keys.map(({ selector }) => selector),
    [key.selector],
  );
});

test('a key that is none is an error, not an unsigned message', async () => {
  const wrong = {
    ...KEYS[0]!,
    privateKey: createPublicKey(rsa.publicKey.export({ type: 'spki', format: 'pem' })),
  };
  await assert.rejects(signMessage(MESSAGE, [wrong], NOW));
});
