/** Our client's end of a message and our server's, put together: whatever is sent arrives as one message of whole lines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stuff } from '../src/client/dot-stuffing.ts';
import { DataReader } from '../src/server/data-reader.ts';

const piece = fc.constantFrom(
  '\r\n',
  '\r',
  '\n',
  '.',
  '..',
  '\r\n.\r\n',
  '\n.\n',
  '\r.\r',
  'a',
  'MAIL FROM:<x@y.test>',
  'ÿ',
);
const bodies = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));

/** Lines end with CRLF, whatever ended them before. */
function whole(body: string): string {
  const text = body.replaceAll(/\r\n|\r|\n/g, '\r\n');
  return text === '' || text.endsWith('\r\n') ? text : `${text}\r\n`;
}

test('no octets of a message end it early, and no lone CR or LF leaves', () => {
  fc.assert(
    fc.property(bodies, fc.array(fc.nat(100), { maxLength: 8 }), (body, cuts) => {
      const { content, end } = stuff(Buffer.from(body, 'latin1'));
      const wire = Buffer.concat([...content, end]);
      assert.doesNotMatch(wire.toString('latin1'), /\r(?!\n)|(?<!\r)\n/);
      const reader = new DataReader({ maxSize: 10_000, maxLine: 10_000, normalise: false });
      const stops = [...new Set([...cuts.filter((cut) => cut < wire.length), wire.length])].toSorted(
        (a, b) => a - b,
      );
      let from = 0;
      for (const stop of stops) {
        if (stop === from) continue;
        const found = reader.read(Buffer.from(wire.subarray(from, stop)), 0);
        // The end is the last octet, and no other.
        assert.equal(found === -1, stop < wire.length);
        from = stop;
      }
      assert.equal(reader.fault, undefined);
      assert.equal(Buffer.concat(reader.chunks()).toString('latin1'), whole(body));
    }),
    { numRuns: 2000 },
  );
});
