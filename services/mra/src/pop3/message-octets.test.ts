import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dotStuffed, topEnd } from './message-octets.ts';

function sent(...parts: Buffer[]): string {
  return Buffer.concat([...dotStuffed(parts)]).toString('latin1');
}

/** What a client makes of a multi-line answer, RFC 1939 §3. */
function received(answer: string): string {
  assert.ok(answer.endsWith('\r\n.\r\n') || answer === '.\r\n');
  const lines = answer.slice(0, -3).split('\r\n');
  assert.ok(!lines.includes('.'), 'the end mark comes once');
  return lines.map((line) => (line.startsWith('.') ? line.slice(1) : line)).join('\r\n');
}

test('only dots at the start of a line are doubled', () => {
  assert.equal(sent(Buffer.from('.a\r\nb.c\r\n..\r\n')), '..a\r\nb.c\r\n...\r\n.\r\n');
  assert.equal(sent(Buffer.from('a\r\n.\r\n')), 'a\r\n..\r\n.\r\n');
  assert.equal(sent(), '.\r\n');
});

test('a last line without its end gets one', () => {
  assert.equal(sent(Buffer.from('a')), 'a\r\n.\r\n');
  assert.equal(sent(Buffer.from('a\r')), 'a\r\r\n.\r\n');
});

test('octets without dots to double are passed on without a copy', () => {
  const octets = Buffer.from('a\r\nb.\r\n');
  assert.equal([...dotStuffed([octets])][0]?.buffer, octets.buffer);
});

test('every message comes through, in whatever parts it is stored', () => {
  const text = fc.string({
    unit: fc.constantFrom('.', '\r\n', '\r', '\n', 'a', '.\r\n', '\r\n.'),
    maxLength: 60,
  });
  fc.assert(
    fc.property(text, fc.nat(80), (message, cut) => {
      const octets = Buffer.from(message);
      const got = received(sent(octets.subarray(0, cut), octets.subarray(cut)));
      assert.equal(got, message === '' || message.endsWith('\r\n') ? message : `${message}\r\n`);
    }),
    { numRuns: 2_000 },
  );
});

test('a dot that begins a piece is seen', () => {
  for (const before of [65_534, 65_535, 65_536]) {
    const message = `${'x'.repeat(before - 2)}\r\n.\r\nend\r\n`;
    assert.equal(received(sent(Buffer.from(message))), message);
  }
});

test('TOP shows header, empty line and so many lines', () => {
  const body = Buffer.from('A: b\r\n\r\n1\r\n2\r\n3');
  const top = (lines: number): string => body.toString('latin1', 0, topEnd(body, lines));
  assert.equal(top(0), 'A: b\r\n\r\n');
  assert.equal(top(2), 'A: b\r\n\r\n1\r\n2\r\n');
  assert.equal(top(4_000_000_000), body.toString());
  assert.equal(topEnd(Buffer.from('\r\n1\r\n2\r\n'), 1), 5);
  assert.equal(topEnd(Buffer.from('A: b\r\n'), 1), 6);
});
