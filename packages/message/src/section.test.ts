import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sectionRange, type SectionText, selectFields } from './section.ts';
import { summarise } from './summary.ts';

/** The example of RFC 3501 §6.4.5, smaller. */
const MESSAGE = Buffer.from(
  [
    'Subject: outer',
    'To: a@b',
    'Content-Type: multipart/mixed; boundary=o',
    '',
    '--o',
    '',
    'first',
    '--o',
    'Content-Type: message/rfc822',
    '',
    'Subject: inner',
    'Content-Type: multipart/alternative; boundary=i',
    '',
    '--i',
    'X-Part: 2.1',
    '',
    'plain',
    '--i',
    'Content-Type: text/html',
    '',
    '<p>',
    '--i--',
    '--o',
    'Content-Type: message/rfc822',
    '',
    'Subject: single',
    '',
    'only',
    '--o--',
    '',
  ].join('\r\n'),
);
const { root } = summarise(MESSAGE);

function section(path: number[], text: SectionText = null): string | undefined {
  const range = sectionRange(root, path, text);
  return range === undefined ? undefined : MESSAGE.toString('latin1', range.start, range.end);
}

test('the message itself', () => {
  assert.equal(section([]), MESSAGE.toString('latin1'));
  assert.equal(section([], 'HEADER')?.endsWith('boundary=o\r\n\r\n'), true);
  assert.equal(section([], 'TEXT')?.startsWith('--o\r\n'), true);
});

test('parts by number, through messages inside', () => {
  assert.equal(section([1]), 'first');
  assert.equal(section([1, 1]), undefined);
  assert.equal(section([2, 1]), 'plain');
  assert.equal(section([2, 2]), '<p>');
  assert.equal(section([3, 1]), 'only');
  assert.equal(section([4]), undefined);
  assert.equal(section([0]), undefined);
});

test('HEADER, TEXT and MIME of parts', () => {
  assert.equal(section([3, 1], 'HEADER'), undefined);
  assert.equal(section([3], 'HEADER'), 'Subject: single\r\n\r\n');
  assert.equal(section([3], 'TEXT'), 'only');
  assert.equal(section([2, 1], 'MIME'), 'X-Part: 2.1\r\n\r\n');
  assert.equal(section([2], 'MIME'), 'Content-Type: message/rfc822\r\n\r\n');
  assert.equal(section([1], 'HEADER'), undefined);
});

test('part 1 of a message without parts is its text', () => {
  const plain = Buffer.from('A: b\r\n\r\nhello');
  const range = sectionRange(summarise(plain).root, [1], null);
  assert.deepEqual(range, { start: 8, end: 13 });
});

test('chosen header fields, and all but those', () => {
  const pick = (names: string[], not: boolean): string =>
    selectFields(MESSAGE, root.header, names, not)
      .map((range) => MESSAGE.toString('latin1', range.start, range.end))
      .join('');
  assert.equal(pick(['TO', 'x'], false), 'To: a@b\r\n');
  assert.equal(pick(['to'], true), 'Subject: outer\r\nContent-Type: multipart/mixed; boundary=o\r\n');
});
