import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { summarise } from '@waybill/message';
import { cannotHold, envelopeTexts, isPlainWord } from './envelope-text.ts';

function envelopeFor(from: string, subject: string): Buffer {
  return summarise(Buffer.from(`From: ${from}\r\nSubject: ${subject}\r\n\r\n`, 'utf8')).envelope;
}

suite('texts of an ENVELOPE', () => {
  test('hold names and addresses together, encoded words and escapes undone, in lower case', () => {
    const texts = envelopeTexts(
      envelopeFor('"Say \\"Hi\\" \\\\o/" <Fred@Red.test>, =?utf-8?Q?J=C3=BCrgen?= <j@x>', 'A {3} (list) NIL'),
    );
    assert.equal(texts.length, 10);
    assert.equal(texts[1], 'a {3} (list) nil');
    assert.ok(texts[2]?.includes('say "hi" \\o/ <fred@red.test>'), texts[2]);
    assert.ok(texts[2]?.includes('jürgen <j@x>'), texts[2]);
    assert.equal(texts[7], '');
  });

  test('hold octets that are no ASCII, sent as literals', () => {
    assert.equal(envelopeTexts(envelopeFor('a@b', 'Grüße (x) "y"'))[1], 'grüße (x) "y"');
  });

  test('a message that is passed over unread could not have matched', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 12 }),
        fc.string({
          unit: fc.constantFrom('a', 'B', '@', '<', '>', ' ', '"', '\\', '.', '=', '?'),
          maxLength: 12,
        }),
        fc.string({ unit: fc.constantFrom('a', 'b', '.', '1'), minLength: 1, maxLength: 3 }),
        (subject, from, needle) => {
          const octets = envelopeFor(from, subject.replaceAll(/[\r\n]/g, ''));
          assert.ok(isPlainWord(needle));
          if (cannotHold(octets, needle))
            assert.ok(!envelopeTexts(octets).some((text) => text.includes(needle)));
        },
      ),
      { numRuns: 500 },
    );
  });
});
