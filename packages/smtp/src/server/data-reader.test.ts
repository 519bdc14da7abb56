import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BodyBudget } from './body-budget.ts';
import { DataReader, type DataReaderOptions } from './data-reader.ts';

const strict: DataReaderOptions = { maxSize: 1_000_000, maxLine: 65_536, normalise: false };
const lenient: DataReaderOptions = { ...strict, normalise: true };

interface Outcome {
  readonly text: string;
  readonly fault: string | undefined;
  readonly rest: string;
}

/** Reads `wire` cut at the given places. */
function read(wire: string, options: DataReaderOptions, cuts: readonly number[] = []): Outcome | undefined {
  const reader = new DataReader(options);
  const octets = Buffer.from(wire, 'latin1');
  const ends = [
    ...cuts.filter((cut) => cut > 0 && cut < octets.length).toSorted((a, b) => a - b),
    octets.length,
  ];
  let from = 0;
  for (const end of ends) {
    const chunk = Buffer.from(octets.subarray(from, end));
    const next = reader.read(chunk, 0);
    if (next !== -1) {
      const text = Buffer.concat(reader.chunks());
      if (reader.fault === undefined) assert.equal(text.length, reader.size);
      return {
        text: text.toString('latin1'),
        fault: reader.fault,
        rest: chunk.toString('latin1', next) + octets.toString('latin1', end),
      };
    }
    from = end;
  }
  return undefined;
}

const messages: [string, string, string][] = [
  ['nothing', '.\r\n', ''],
  ['one line', 'a\r\n.\r\n', 'a\r\n'],
  ['an empty line', '\r\n.\r\n', '\r\n'],
  ['a stuffed dot', '..\r\n.\r\n', '.\r\n'],
  ['two stuffed dots', '...a\r\n..b\r\n.\r\n', '..a\r\n.b\r\n'],
  ['a single dot before text, which is deleted', '.foo\r\nbar\r\n.\r\n', 'foo\r\nbar\r\n'],
  ['dots inside a line', 'a..b.\r\n.\r\n', 'a..b.\r\n'],
  ['tabs and high octets', '\tÿ\x7f\x01\r\n.\r\n', '\tÿ\x7f\x01\r\n'],
];
for (const [name, wire, text] of messages) {
  test(`a message of ${name}, wherever the network cuts it`, () => {
    for (let cut = 0; cut <= wire.length; cut++)
      for (let second = cut; second <= wire.length; second++)
        assert.deepEqual(read(`${wire}NEXT`, strict, [cut, second]), {
          text,
          fault: undefined,
          rest: 'NEXT',
        });
  });
}

// Every way in which one server may see an end that another does not.
const smuggled = [
  '\n.\n',
  '\n.\r\n',
  '\r.\r',
  '\r\n.\n',
  '\r\n.\r',
  '\r.\r\n',
  '\n.\r',
  '\r\n\0.\r\n',
  '\r\n.\0\r\n',
  '\r\r\n.\r\r\n',
  '\r\n.\r\r\n',
];
for (const end of smuggled) {
  test(`${JSON.stringify(end)} does not end a message`, () => {
    const wire = `a${end}MAIL FROM:<x@y>\r\n`;
    for (let cut = 0; cut <= wire.length; cut++) {
      assert.equal(read(wire, strict, [cut]), undefined);
      assert.equal(read(wire, lenient, [cut]), undefined);
      const whole = read(`${wire}\r\n.\r\nNEXT`, strict, [cut]);
      assert.equal(whole?.rest, 'NEXT');
      assert.match(whole.fault ?? '', /^(bare|nul)$/);
    }
  });
}

test('on submission lone CR and LF become CRLF, and nothing else changes', () => {
  const wire = 'a\nb\rc\r\n\n\r\n..d\n.e\r\n.\r\nNEXT';
  for (let cut = 0; cut <= wire.length; cut++)
    assert.deepEqual(read(wire, lenient, [cut]), {
      text: 'a\r\nb\r\nc\r\n\r\n\r\n.d\r\n.e\r\n',
      fault: undefined,
      rest: 'NEXT',
    });
});

test('a client that ends its lines with LF stuffs their dots too, and gets them back', () => {
  const text = 'a\n.\n..\n.b\n\n..c\n';
  const wire = `${text.replaceAll(/^\./gm, '..')}\r\n.\r\nNEXT`;
  for (let cut = 0; cut <= wire.length; cut++)
    for (let second = cut; second <= wire.length; second++)
      assert.deepEqual(read(wire, lenient, [cut, second]), {
        text: `${text.replaceAll('\n', '\r\n')}\r\n`,
        fault: undefined,
        rest: 'NEXT',
      });
  assert.equal(read('a\n.\r\nb\r\n.\r\n', lenient)?.text, 'a\r\n.\r\nb\r\n');
});

/** The rules of RFC 5321 §4.5.2, read off the whole text at once. */
function model(wire: string): { text: string; rest: string; bare: boolean } | undefined {
  const padded = `\r\n${wire}`;
  const end = padded.indexOf('\r\n.\r\n');
  if (end === -1) return undefined;
  const lines = padded.slice(2, end + 2).split('\r\n');
  const text = lines.map((line) => (line.startsWith('.') ? line.slice(1) : line)).join('\r\n');
  return { text, rest: padded.slice(end + 5), bare: /\r(?!\n)|(?<!\r)\n/.test(text) };
}

test('any octets in any pieces are read as the model reads them', () => {
  const piece = fc.constantFrom('\r\n', '.', '\r', '\n', '\r\n.', '\r\n..', 'a', 'bc', '\r\n.\r\n', ' ');
  const wires = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(wires, fc.array(fc.nat(60), { maxLength: 8 }), (wire, cuts) => {
      const expected = model(wire);
      const got = read(wire, strict, cuts);
      if (expected === undefined) assert.equal(got, undefined);
      else {
        assert.equal(got?.rest, expected.rest);
        assert.equal(got.fault, expected.bare ? 'bare' : undefined);
        if (!expected.bare) assert.equal(got.text, expected.text);
      }
    }),
    { numRuns: 3000 },
  );
});

test('too big a message is read to its end and thrown away', () => {
  const got = read(`${'x'.repeat(50)}\r\n.\r\nNEXT`, { ...strict, maxSize: 51 }, [20]);
  assert.deepEqual(got, { text: '', fault: 'size', rest: 'NEXT' });
  assert.equal(read(`${'x'.repeat(50)}\r\n.\r\n`, { ...strict, maxSize: 52 })?.fault, undefined);
});

test('a line may be as long as the limit, in one piece or many', () => {
  for (const cuts of [[], [3, 9, 50]]) {
    const options = { ...strict, maxLine: 100 };
    assert.equal(read(`a\r\n${'x'.repeat(100)}\r\n.\r\n`, options, cuts)?.fault, undefined);
    assert.equal(read(`a\r\n${'x'.repeat(101)}\r\n.\r\n`, options, cuts)?.fault, 'line');
  }
});

test('the budget is taken while a message comes in, refused beyond, and given back', () => {
  const budget = new BodyBudget(100);
  const reader = new DataReader({ ...strict, budget });
  reader.read(Buffer.from('x'.repeat(60)), 0);
  assert.equal(budget.used, 60);
  const other = new DataReader({ ...strict, budget });
  other.read(Buffer.from('y'.repeat(60)), 0);
  assert.equal(other.fault, 'memory');
  assert.equal(budget.used, 60);
  reader.release();
  assert.equal(budget.used, 0);
});

test('a client that drips costs no more memory than its octets, and time grows linearly', () => {
  const reader = new DataReader(strict);
  const began = performance.now();
  for (let i = 0; i < 300_000; i++)
    reader.read(Buffer.from(i % 3 === 2 ? '\n' : i % 3 === 1 ? '\r' : 'x'), 0);
  const octets = reader.chunks().reduce((sum, chunk) => sum + chunk.buffer.byteLength, 0);
  assert.ok(octets < 2_000_000, `${octets} octets held for 300,000`);
  assert.ok(performance.now() - began < 3000);
  const dots = Buffer.from(`${'..\r\n'.repeat(250_000)}.\r\n`);
  const start = performance.now();
  assert.equal(new DataReader({ ...strict, maxSize: 10_000_000 }).read(dots, 0), dots.length);
  assert.ok(performance.now() - start < 1000);
});
