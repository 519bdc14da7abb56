import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stuff } from './dot-stuffing.ts';

function sent(body: string): string {
  const { content, end } = stuff(Buffer.from(body, 'latin1'));
  return Buffer.concat([...content, end]).toString('latin1');
}

test('lines that begin with a dot get a second one', () => {
  assert.equal(sent('.\r\n'), '..\r\n.\r\n');
  assert.equal(sent('a\r\n.b\r\n..c\r\nd.\r\n'), 'a\r\n..b\r\n...c\r\nd.\r\n.\r\n');
  assert.equal(sent('.a\r\n.\r\n.\r\n'), '..a\r\n..\r\n..\r\n.\r\n');
});

test('an unfinished last line is finished, an empty message is only the end', () => {
  assert.equal(sent('a'), 'a\r\n.\r\n');
  assert.equal(sent('a\r\n.'), 'a\r\n..\r\n.\r\n');
  assert.equal(sent(''), '.\r\n');
});

test('bare CR and bare LF never leave', () => {
  assert.equal(sent('a\nb\rc\r\nd\r\r\n'), 'a\r\nb\r\nc\r\nd\r\n\r\n.\r\n');
  assert.equal(sent('a\n.\nb'), 'a\r\n..\r\nb\r\n.\r\n');
  assert.equal(sent('a\r.\r\n'), 'a\r\n..\r\n.\r\n');
  assert.equal(sent('a\r'), 'a\r\n.\r\n');
});

test('whatever goes in comes out of an exact unstuffing', () => {
  const alphabet = ['.', '\r\n', 'x', '\r\n.', '..'];
  for (let seed = 0; seed < 5 ** 5; seed++) {
    let body = '';
    for (let n = seed, i = 0; i < 5; i++, n = Math.floor(n / 5)) body += alphabet[n % 5];
    const wire = sent(body);
    assert.ok(wire.endsWith('\r\n.\r\n') || wire === '.\r\n');
    const lines = wire.slice(0, -3).split('\r\n');
    assert.ok(!lines.slice(0, -1).includes('.'));
    const back = lines.map((line) => (line.startsWith('.') ? line.slice(1) : line)).join('\r\n');
    assert.equal(back, body === '' || body.endsWith('\r\n') ? body : `${body}\r\n`);
  }
});

test('a message without dots at line starts is not copied', () => {
  const body = Buffer.from('a\r\nb\r\n');
  const { content } = stuff(body);
  assert.equal(content.length, 1);
  assert.equal(content[0]?.buffer, body.buffer);
});
