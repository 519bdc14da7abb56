import assert from 'node:assert/strict';
import { test } from 'node:test';

import { decodeSummary, encodeSummary, summarise } from './summary.ts';

function message(...lines: string[]): Buffer {
  return Buffer.from(lines.join('\r\n'));
}
const bodyStructure = (buffer: Buffer): string => summarise(buffer).bodyStructure.toString('latin1');
const body = (buffer: Buffer): string => summarise(buffer).body.toString('latin1');
const envelope = (buffer: Buffer): string => summarise(buffer).envelope.toString('latin1');

const TWO_PARTS = message(
  'Content-Type: multipart/mixed; boundary="b 1"',
  '',
  'preamble',
  '--b 1',
  '',
  'hello',
  '--b 1 \t',
  'Content-Type: image/png; name="a\\"b.png"',
  'Content-Transfer-Encoding: base64',
  'Content-Disposition: attachment; filename=a.png',
  'Content-ID: <1@x>',
  '',
  'AAAA',
  '',
  '--b 1--',
  'epilogue',
);

test('no MIME at all is plain ASCII text', () => {
  assert.equal(
    bodyStructure(message('Subject: x', '', 'one', 'two', '')),
    '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 2 NIL NIL NIL NIL)',
  );
  assert.equal(
    body(message('Subject: x', '', 'one', 'two', '')),
    '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 2)',
  );
});

test('a multipart tells its parts; delimiters take their line ends with them', () => {
  assert.equal(
    bodyStructure(TWO_PARTS),
    '(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0 NIL NIL NIL NIL)' +
      '("image" "png" ("name" "a\\"b.png") "<1@x>" NIL "base64" 6 NIL ("attachment" ("filename" "a.png")) NIL NIL)' +
      ' "mixed" ("boundary" "b 1") NIL NIL NIL)',
  );
  assert.equal(
    body(TWO_PARTS),
    '(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0)' +
      '("image" "png" ("name" "a\\"b.png") "<1@x>" NIL "base64" 6) "mixed")',
  );
});

test('a message inside a message has envelope, body and lines', () => {
  const inner = ['From: a@b', 'Subject: inner', '', 'text', ''];
  const outer = message('Content-Type: message/rfc822', '', ...inner);
  assert.equal(
    body(outer),
    '("message" "rfc822" NIL NIL NIL "7bit" 35 (NIL "inner" ((NIL NIL "a" "b")) ((NIL NIL "a" "b"))' +
      ' ((NIL NIL "a" "b")) NIL NIL NIL NIL NIL)' +
      ' ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1) 4)',
  );
});

test('parts of a digest are messages unless they say otherwise', () => {
  const digest = message(
    'Content-Type: multipart/digest; boundary=d',
    '',
    '--d',
    '',
    'Subject: one',
    '',
    'x',
    '--d--',
  );
  assert.match(body(digest), /^\(\("message" "rfc822" NIL NIL NIL "7bit" 17 \(NIL "one"/);
});

test('an inner boundary that begins like the outer one is kept apart', () => {
  const nested = message(
    'Content-Type: multipart/mixed; boundary=a',
    '',
    '--a',
    'Content-Type: multipart/alternative; boundary=ab',
    '',
    '--ab',
    '',
    'one',
    '--ab--',
    '--a',
    '',
    'two',
    '--a--',
  );
  const { root } = summarise(nested);
  assert.deepEqual(
    root.parts.map((part) => part.parts.length),
    [1, 0],
  );
});

test('a multipart that is never closed ends with what encloses it', () => {
  const open = message('Content-Type: multipart/mixed; boundary=a', '', '--a', '', 'one', '--a', '', 'two');
  assert.equal(summarise(open).root.parts.length, 2);
});

test('a multipart without parts is told as one empty text', () => {
  const expected = '(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed")';
  assert.equal(body(message('Content-Type: multipart/mixed; boundary=a', '', 'nothing')), expected);
  assert.equal(body(message('Content-Type: multipart/mixed', '', 'nothing')), expected);
});

test('an unreadable Content-Type is plain text (RFC 2045 §5.2)', () => {
  assert.match(body(message('Content-Type: foo', '', 'x')), /^\("text" "plain"/);
});

test('parameter continuations are one parameter (RFC 2231 §3)', () => {
  const split = message(
    'Content-Type: text/plain; charset=utf-8',
    'Content-Disposition: attachment; filename*1*=%e2; filename*0*=utf-8\'\'a%20; filename*2="b c"',
    '',
  );
  assert.match(bodyStructure(split), /\("filename\*" "utf-8''a%20%e2b%20c"\)/);
});

test('language, location and md5 are extension data', () => {
  const extended = message(
    'Content-Language: en, de',
    'Content-Location: http://x/',
    'Content-MD5: abc==',
    '',
    '',
  );
  assert.match(bodyStructure(extended), / 0 0 "abc==" NIL \("en" "de"\) "http:\/\/x\/"\)$/);
});

test('ENVELOPE: folding, groups, literals, defaults', () => {
  const odd = Buffer.from(
    'Date: Tue, 24 Nov 2026 11:00:00 +0000\r\nSubject: a\r\n\t"b"\r\n' +
      'From: =?utf-8?q?A?= <a@b>\r\nSender: \r\nTo: L: x@y;, nobody\r\nCc: \u00fc <c@d>\r\n' +
      'In-Reply-To: <1@2>\r\nMessage-ID: <3@4>\r\n\r\n',
  );
  const from = '(("=?utf-8?q?A?=" NIL "a" "b"))';
  const cc = Buffer.from('(({2}\r\n\u00fc NIL "c" "d"))').toString('latin1');
  assert.equal(
    envelope(odd),
    `("Tue, 24 Nov 2026 11:00:00 +0000" "a \\"b\\"" ${from} ${from} ${from} ` +
      `((NIL NIL "L" NIL)(NIL NIL "x" "y")(NIL NIL NIL NIL)(NIL NIL "nobody" "MISSING_DOMAIN")) ` +
      `${cc} NIL "<1@2>" "<3@4>")`,
  );
});

test('a summary survives being stored', () => {
  for (const buffer of [TWO_PARTS, message('Date: 1 Jan 1960 00:00 +0000', 'Message-ID: <x>', '', 'a', '')]) {
    const summary = summarise(buffer);
    assert.deepEqual(decodeSummary(encodeSummary(summary)), summary);
  }
  assert.throws(() => decodeSummary(Buffer.from([9])), RangeError);
  assert.throws(() => decodeSummary(Buffer.alloc(0)), RangeError);
});

test('over a budget the message is one opaque part', () => {
  const deep = Array.from(
    { length: 60 },
    (_, n) => `Content-Type: multipart/mixed; boundary=b${n}x\r\n\r\n--b${n}x\r\n`,
  ).join('');
  const wide = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\n'.repeat(1500)}`;
  const nested = `Content-Type: message/rfc822\r\n\r\n`.repeat(200);
  for (const text of [deep, wide, nested]) {
    const { root, bodyStructure: wire } = summarise(Buffer.from(text));
    assert.deepEqual(root.parts, []);
    assert.match(wire.toString(), /^\("application" "octet-stream" /);
    assert.equal(root.content.end, text.length);
  }
});
