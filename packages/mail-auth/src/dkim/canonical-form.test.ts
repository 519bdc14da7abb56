import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import {
  bodyDigest,
  canonicalBody,
  canonicalField,
  canonicalSignatureField,
  type CanonicalForm,
  withoutSignatureValue,
} from './canonical-form.ts';

function body(text: string, form: CanonicalForm, piece = Infinity): string {
  const out: Buffer[] = [];
  const canonical = canonicalBody(form, (octets) => out.push(Buffer.from(octets)));
  const octets = Buffer.from(text, 'latin1');
  for (let at = 0; at < octets.length; at += piece) canonical.write(octets.subarray(at, at + piece));
  canonical.end();
  return Buffer.concat(out).toString('latin1');
}

const field = (text: string, form: CanonicalForm): string =>
  canonicalField(Buffer.from(text, 'latin1'), form).toString('latin1');

describe('the example of RFC 6376 §3.4.5', () => {
  test('relaxed', () => {
    assert.equal(field('A: X\r\n', 'relaxed'), 'a:X\r\n');
    assert.equal(field('B : Y\t\r\n\tZ  \r\n', 'relaxed'), 'b:Y Z\r\n');
    assert.equal(body(' C \r\nD \t E\r\n\r\n\r\n', 'relaxed'), ' C\r\nD E\r\n');
  });

  test('simple', () => {
    assert.equal(field('B : Y\t\r\n\tZ  \r\n', 'simple'), 'B : Y\t\r\n\tZ  \r\n');
    assert.equal(body(' C \r\nD \t E\r\n\r\n\r\n', 'simple'), ' C \r\nD \t E\r\n');
  });
});

describe('fields', () => {
  test('without a CRLF at the end they get one', () => {
    assert.equal(field('A: X', 'simple'), 'A: X\r\n');
    assert.equal(field('A: X', 'relaxed'), 'a:X\r\n');
  });

  test('an empty value, a value of blanks, no colon at all', () => {
    assert.equal(field('A:\r\n', 'relaxed'), 'a:\r\n');
    assert.equal(field('A: \r\n  \t\r\n', 'relaxed'), 'a:\r\n');
    assert.equal(field('Strange \r\n', 'relaxed'), 'strange\r\n');
  });

  test('a fold becomes one space, and only white space is touched', () => {
    assert.equal(field('Subject: a\r\n  b\r\n\tc \xe9\x00d\r\n', 'relaxed'), 'subject:a b c \xe9\x00d\r\n');
  });

  test('b= is emptied and nothing else, wherever it stands', () => {
    const signature =
      'DKIM-Signature: v=1; a=rsa-sha256; d=b.test; bh=abc=; s=b;\r\n b = AA\r\n BB== ; h=from;\r\n';
    assert.equal(
      withoutSignatureValue(Buffer.from(signature)).toString(),
      'DKIM-Signature: v=1; a=rsa-sha256; d=b.test; bh=abc=; s=b;\r\n b =; h=from;\r\n',
    );
    assert.equal(
      canonicalSignatureField(
        Buffer.from('DKIM-Signature: v=1; bh=x;  b=AA\r\n BB\r\n'),
        'simple',
      ).toString(),
      'DKIM-Signature: v=1; bh=x;  b=',
    );
    assert.equal(
      canonicalSignatureField(Buffer.from('DKIM-Signature: v=1;\r\n\tb=AABB\r\n'), 'relaxed').toString(),
      'dkim-signature:v=1; b=',
    );
  });
});

describe('bodies', () => {
  test('an empty one: CRLF in simple, nothing in relaxed', () => {
    assert.equal(body('', 'simple'), '\r\n');
    assert.equal(body('', 'relaxed'), '');
    assert.equal(body('\r\n\r\n', 'simple'), '\r\n');
    assert.equal(body('\r\n \t\r\n', 'relaxed'), '');
    // RFC 6376 §3.4.3, §3.4.4: their hashes as the RFC gives them.
    assert.equal(
      bodyDigest([], 'simple').digest.toString('base64'),
      'frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=',
    );
    assert.equal(
      bodyDigest([], 'relaxed').digest.toString('base64'),
      '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
    );
    assert.equal(bodyDigest([], 'simple', 'sha1').digest.toString('base64'), 'uoq1oCgLlTqpdDX/iUbLy7J1Wic=');
  });

  test('what ends without CRLF gets one', () => {
    assert.equal(body('a', 'simple'), 'a\r\n');
    assert.equal(body('a \t', 'relaxed'), 'a\r\n');
    assert.equal(body('a\r', 'simple'), 'a\r\r\n');
    assert.equal(body('a\r', 'relaxed'), 'a\r\r\n');
  });

  test('empty lines inside stay; blanks at line starts become one', () => {
    assert.equal(body('a\r\n\r\n \r\n  b\r\n', 'relaxed'), 'a\r\n\r\n\r\n b\r\n');
    assert.equal(body('a\rb \nc\r\n', 'relaxed'), 'a\rb \nc\r\n');
  });

  test('the same however it is cut', () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * below);
    };
    const pieces = ['a', 'word', ' ', '\t', '\r\n', '\r', '\n', '\r\n\r\n', 'x'.repeat(1500), '\xff'];
    for (let round = 0; round < 100; round++) {
      let text = '';
      for (let n = random(30); n > 0; n--) text += pieces[random(pieces.length)];
      for (const form of ['simple', 'relaxed'] as const) {
        const whole = body(text, form);
        assert.equal(whole, plainly(text, form), JSON.stringify(text));
        for (const size of [1, 2, 3, 7]) assert.equal(body(text, form, size), whole, JSON.stringify(text));
      }
    }
  });

  test('hostile bodies and fields cost what their size says: linear', () => {
    const patterns = ['a  ', ' \r\n', 'a\r\n', '\r', '\t', 'a \r\n\r\n', '\n', ' a'];
    const cost = (octets: Buffer): number => {
      const before = process.cpuUsage();
      for (const form of ['simple', 'relaxed'] as const) {
        bodyDigest([octets], form);
        canonicalField(octets, form);
      }
      withoutSignatureValue(octets);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    for (const pattern of patterns) {
      const small = Buffer.from(pattern.repeat(200_000 / pattern.length));
      const large = Buffer.from(pattern.repeat(1_600_000 / pattern.length));
      cost(small);
      const least = (octets: Buffer): number => Math.min(cost(octets), cost(octets), cost(octets));
      // Eight times as much; quadratic would be 64 times.
      assert.ok(least(large) < 24 * least(small) + 20_000, JSON.stringify(pattern));
    }
  });

  test('l= hashes the first octets and still tells the whole length', () => {
    const { digest, length } = bodyDigest(
      [Buffer.from('abc\r\nd'), Buffer.from('ef\r\n\r\n')],
      'simple',
      'sha256',
      6,
    );
    assert.equal(length, 10);
    assert.deepEqual(digest, createHash('sha256').update('abc\r\nd').digest());
  });
});

/** The rules as the RFC words them, one after the other over the whole text. */
function plainly(text: string, form: CanonicalForm): string {
  let lines = text.split('\r\n');
  if (form === 'relaxed') lines = lines.map((line) => line.replaceAll(/[ \t]+/g, ' ').replace(/ $/, ''));
  while (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) return form === 'simple' ? '\r\n' : '';
  return `${lines.join('\r\n')}\r\n`;
}
