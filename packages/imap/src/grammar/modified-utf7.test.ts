import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeModifiedUtf7, encodeModifiedUtf7 } from './modified-utf7.ts';

test('the example of RFC 3501 §5.1.3', () => {
  const name = '~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e';
  assert.equal(encodeModifiedUtf7(name), '~peter/mail/&U,BTFw-/&ZeVnLIqe-');
  assert.equal(decodeModifiedUtf7('~peter/mail/&U,BTFw-/&ZeVnLIqe-'), name);
});

test('the ampersand stands for itself', () => {
  assert.equal(encodeModifiedUtf7('a&b'), 'a&-b');
  assert.equal(decodeModifiedUtf7('a&-b'), 'a&b');
});

test('every name has a printable wire form, and comes back from it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (name) => {
      const wire = encodeModifiedUtf7(name);
      assert.match(wire, /^[ -~]*$/);
      assert.equal(decodeModifiedUtf7(wire), name);
    }),
  );
});

test('what decodes is the proper form of its name', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('&', '-', 'A', 'G', 'E', ',', '/', '4', '+', '=') }),
      (wire) => {
        const name = decodeModifiedUtf7(wire);
        if (name !== null) assert.equal(encodeModifiedUtf7(name), wire);
      },
    ),
    { numRuns: 2_000 },
  );
});
