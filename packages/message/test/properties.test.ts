import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import {
  bodyOf,
  bodyStructureOf,
  decodeSummary,
  decodeWords,
  degradedSummary,
  encodeSummary,
  envelopeOf,
  headerEnd,
  headerFields,
  parseAddressList,
  parseDate,
  type Part,
  prependFields,
  removeFields,
  searchText,
  sevenBitText,
  summarise,
} from '../src/index.ts';

/** Pieces that meet in real and hostile mail. */
const piece = fc.oneof(
  fc.constantFrom(
    '\r\n',
    '\n',
    '\r',
    ' ',
    '\t',
    ':',
    ';',
    '"',
    '\\',
    '(',
    ')',
    '<',
    '>',
    '@',
    ',',
    '=',
    '*',
    '--',
    '--a',
    '--a--',
    '--ab',
    'Content-Type: multipart/mixed; boundary=a\r\n',
    'Content-Type: multipart/digest; boundary="ab"\r\n',
    '\r\n\r\n',
    'Content-Type: message/rfc822\r\n\r\n',
    'Content-Type: text/plain; charset=x\r\n',
    'From: a@b\r\n',
    'To: g: a, b <c>;\r\n',
    'Content-Transfer-Encoding: base64\r\n',
    'Content-Transfer-Encoding: quoted-printable\r\n',
    '=?utf-8?q?',
    '?=',
    '\0',
    '\u00e9',
    'Content-Disposition: x; a*0*=b; a*1=c',
    'Date: 1 Jan 2020 0:0 +0000\r\n',
  ),
  fc.string({ maxLength: 8 }),
);
const mail = fc.array(piece, { maxLength: 60 }).map((pieces) => Buffer.from(pieces.join('')));
const text = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(''));

function checkNesting(part: Part, start: number, end: number): void {
  assert.ok(part.header.start >= start && part.header.start <= part.header.end);
  assert.equal(part.header.end, part.content.start);
  assert.ok(part.content.start <= part.content.end && part.content.end <= end);
  let from = part.content.start;
  for (const child of part.parts) {
    checkNesting(child, from, part.content.end);
    from = child.content.end;
  }
}

/** Balanced parentheses outside strings and literals, every literal whole. */
function checkWire(octets: Buffer): void {
  const wire = octets.toString('latin1');
  let depth = 0;
  for (let i = 0; i < wire.length; i++) {
    const char = wire[i] ?? '';
    if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === '"') {
      for (i++; wire[i] !== '"'; i++) {
        if (wire[i] === '\\') i++;
        assert.ok(i < wire.length, 'string is closed');
        assert.ok(!'\r\n\0'.includes(wire[i] ?? ''), 'string holds no line end');
      }
    } else if (char === '{') {
      const close = wire.indexOf('}\r\n', i);
      i = close + 2 + Number(wire.slice(i + 1, close));
    } else assert.match(char, /[ 0-9NIL]/);
    assert.ok(depth > 0 || i === wire.length - 1, 'one list and nothing behind it');
  }
  assert.equal(depth, 0);
}

test('any octets have a structure whose ranges nest, and a summary that is well-formed on the wire', () => {
  fc.assert(
    fc.property(mail, (buffer) => {
      const summary = summarise(buffer);
      checkNesting(summary.root, 0, buffer.length);
      assert.equal(summary.root.content.end, buffer.length);
      for (const wire of [summary.envelope, summary.body, summary.bodyStructure]) checkWire(wire);
      const stored = encodeSummary(summary);
      assert.deepEqual(decodeSummary(stored), summary);
      assert.deepEqual(envelopeOf(stored), summary.envelope);
      assert.deepEqual(bodyOf(stored), summary.body);
      assert.deepEqual(bodyStructureOf(stored), summary.bodyStructure);
      searchText(buffer, summary.root, 'zz', 'text');
      const degraded = degradedSummary(buffer);
      for (const wire of [degraded.envelope, degraded.body, degraded.bodyStructure]) checkWire(wire);
      assert.deepEqual(decodeSummary(encodeSummary(degraded)), degraded);
    }),
    { numRuns: 2000 },
  );
});

test('fields lie in order inside the header; putting fields on and taking them off gives the message back', () => {
  fc.assert(
    fc.property(mail, (buffer) => {
      const end = headerEnd(buffer);
      let from = 0;
      for (const field of headerFields(buffer)) {
        assert.ok(field.start >= from && field.valueStart <= field.end && field.end <= end);
        from = field.end;
      }
      const first = buffer[0];
      fc.pre(first !== 32 && first !== 9 && !(first === 10));
      fc.pre(headerFields(buffer).length < 999);
      const added = prependFields(buffer, 'X-Waybill-Test: 1\r\n');
      // A bare-LF message gets a CRLF line in front, which decides how its header is read.
      fc.pre(!buffer.includes('\n') || buffer[buffer.indexOf(10) - 1] === 13);
      assert.deepEqual(removeFields(added, new Set(['x-waybill-test'])), buffer);
    }),
    { numRuns: 2000 },
  );
});

test('addresses, dates, encoded words and text never throw', () => {
  fc.assert(
    fc.property(text, (value) => {
      parseAddressList(value);
      decodeWords(value);
      const time = parseDate(value);
      assert.ok(time === null || Number.isSafeInteger(time));
      assert.match(sevenBitText(value), /^[\t\r\n\x20-\x7e]*$/);
    }),
    { numRuns: 2000 },
  );
});

/** CPU ms of one call, the best of three. */
function cost(run: () => void): number {
  let best = Infinity;
  for (let i = 0; i < 3; i++) {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}

const GROWING: Record<string, (n: number) => () => void> = {
  'unclosed quotes and comments in addresses': (n) => () => parseAddressList('("<'.repeat(n)),
  'at signs': (n) => () => parseAddressList('a@'.repeat(n)),
  'starts of encoded words': (n) => () => decodeWords('=?a?q?x'.repeat(n)),
  'encoded words': (n) => () => decodeWords('=?utf-8?q?x?= '.repeat(n)),
  'junk lines': (n) => () => headerFields(Buffer.from('junk\r\n'.repeat(n))),
  'folded lines': (n) => {
    const buffer = Buffer.from(`To: ${'a@b,\r\n '.repeat(n)}\r\n\r\n`);
    return () => summarise(buffer);
  },
  'delimiters that are none': (n) => {
    const buffer = Buffer.from(
      `Content-Type: multipart/mixed; boundary=${'-'.repeat(60)}\r\n\r\n${'-'.repeat(n)}`,
    );
    return () => summarise(buffer);
  },
  parameters: (n) => {
    const buffer = Buffer.from(`Content-Type: text/plain${';a*1*=b'.repeat(n)}\r\n\r\n`);
    return () => summarise(buffer);
  },
  'open comments in a type': (n) => {
    const buffer = Buffer.from(`Content-Type: text/plain${';(('.repeat(n)}\r\n\r\n`);
    return () => summarise(buffer);
  },
};

for (const [name, make] of Object.entries(GROWING)) {
  test(`time grows linearly with ${name}`, () => {
    const [small, large] = [make(20_000), make(160_000)];
    small();
    // Eight times the input: a quadratic reader would need 64 times the time.
    assert.ok(cost(large) < 24 * Math.max(cost(small), 1));
  });
}
