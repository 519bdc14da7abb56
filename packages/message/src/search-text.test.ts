import assert from 'node:assert/strict';
import { test } from 'node:test';

import { decodeWords } from './encoded-words.ts';
import { foldText, searchField, searchText } from './search-text.ts';
import { summarise } from './summary.ts';
import { decodeQuotedPrintable } from './transfer-encoding.ts';

const MESSAGE = Buffer.from(
  [
    'Subject: =?utf-8?q?Gr=C3=BC=C3?= =?UTF-8?Q?=9Fe_an?= alle',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain; charset=iso-8859-1',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    'Die =C4pfel sind wei=',
    'ch.',
    '--b',
    'Content-Type: text/html; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from('<b>Stra\u00dfe</b>').toString('base64'),
    '--b',
    'Content-Type: message/rfc822',
    '',
    'Subject: forwarded thing',
    '',
    'inner words',
    '--b',
    'Content-Type: application/pdf',
    '',
    'binary words',
    '--b--',
    '',
  ].join('\r\n'),
);
const { root } = summarise(MESSAGE);
const holds = (text: string, scope: 'body' | 'text'): boolean =>
  searchText(MESSAGE, root, foldText(text), scope);

test('text is found decoded, in any case', () => {
  for (const text of ['\u00e4PFEL SIND WEICH', 'STRA\u00dfE', 'inner WORDS', 'Forwarded Thing', ''])
    assert.ok(holds(text, 'body'), text);
  for (const text of ['binary words', 'Gr\u00fc\u00dfe', '=C4pfel']) assert.ok(!holds(text, 'body'), text);
});

test('TEXT looks into the header too', () => {
  assert.ok(holds('gr\u00fc\u00dfe an alle', 'text'));
  assert.ok(searchField(MESSAGE, root.header, 'subject', foldText('GR\u00dc\u00dfe')));
  assert.ok(searchField(MESSAGE, root.header, 'subject', ''));
  assert.ok(!searchField(MESSAGE, root.header, 'to', ''));
});

test('encoded words', () => {
  assert.equal(decodeWords('a =?iso-8859-1?Q?=E4_b?= c'), 'a \u00e4 b c');
  assert.equal(decodeWords('=?utf-8?B?w6Q=?= =?utf-8*en?q?x?='), '\u00e4x');
  assert.equal(decodeWords('=?no-such?Q?=E9?='), '\u00e9');
  for (const text of ['=?', '=?a?q?', '=?a?x?b?=', '=??q?b?=', '=?a?q?b?c', 'plain =?= text'])
    assert.equal(decodeWords(text), text);
});

test('quoted-printable as it should be and as it comes', () => {
  const decode = (text: string): string => decodeQuotedPrintable(Buffer.from(text)).toString('latin1');
  assert.equal(decode('a=20 \r\nb=\r\nc= \t\r\nd=e=3d=3D=zz='), 'a \r\nbcd=e===zz=');
});
