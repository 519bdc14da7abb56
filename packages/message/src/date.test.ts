import assert from 'node:assert/strict';
import { test } from 'node:test';

import { formatDate, parseDate, parseDay } from './date.ts';

const iso = (text: string): string | null => {
  const time = parseDate(text);
  return time === null ? null : new Date(time).toISOString().slice(0, 19);
};

test('dates as they should be', () => {
  assert.equal(iso('Tue, 24 Nov 2026 11:02:03 +0130'), '2026-11-24T09:32:03');
  assert.equal(iso('24 Nov 2026 11:02 -0500'), '2026-11-24T16:02:00');
});

test('dates as they come', () => {
  assert.equal(iso('Tue, 24 Nov 26 11:02:03 GMT (comment (nested))'), '2026-11-24T11:02:03');
  assert.equal(iso('tue ,  1 DEC 99 1:2:3 pst'), '1999-12-01T09:02:03');
  assert.equal(iso('1 Jan 100 00:00 Z'), '2000-01-01T00:00:00');
  assert.equal(iso('24-Nov-2026 11:02:03 +0000'), '2026-11-24T11:02:03');
  assert.equal(iso('24 Nov 2026 11 : 02 : 03 XYZ'), '2026-11-24T11:02:03');
  assert.equal(iso('24 Nov 2026 23:59:60 +0000'), '2026-11-25T00:00:00');
});

test('the day that a date itself names, whatever its zone', () => {
  const day = Date.UTC(2026, 0, 1);
  assert.equal(parseDay('Thu, 1 Jan 2026 23:59:59 -0800'), day);
  assert.equal(parseDay('1 Jan 2026 00:00 +1400'), day);
  assert.equal(parseDay('1 Jan 1960 12:00 +0000'), Date.UTC(1960, 0, 1));
  assert.equal(parseDay('some day'), null);
});

test('no dates', () => {
  for (const text of [
    '',
    'yesterday',
    '24 Foo 2026 11:00',
    '32 Nov 2026 11:00',
    '24 Nov 2026',
    '24 Nov 2026 25:00',
  ])
    assert.equal(parseDate(text), null, text);
});

test('what is formatted is read again', () => {
  const date = new Date(Date.UTC(2026, 1, 3, 4, 5, 6));
  assert.equal(formatDate(date), 'Tue, 03 Feb 2026 04:05:06 +0000');
  assert.equal(parseDate(formatDate(date)), date.getTime());
});
