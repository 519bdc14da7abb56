import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCommand } from './command.ts';

const parse = (line: string): ReturnType<typeof parseCommand> => parseCommand(Buffer.from(line));

test('commands become values', () => {
  assert.deepEqual(parse('stat'), { verb: 'STAT' });
  assert.deepEqual(parse('USER al ice'), { verb: 'USER', name: 'al ice' });
  assert.deepEqual(parse('PASS  two spaces '), { verb: 'PASS', password: ' two spaces ' });
  assert.deepEqual(parse('List'), { verb: 'LIST', message: null });
  assert.deepEqual(parse('UIDL 0012'), { verb: 'UIDL', message: 12 });
  assert.deepEqual(parse('TOP 1 0'), { verb: 'TOP', message: 1, lines: 0 });
  assert.deepEqual(parse('AUTH'), { verb: 'AUTH', mechanism: null, initial: null });
  assert.deepEqual(parse('AUTH plain ='), { verb: 'AUTH', mechanism: 'PLAIN', initial: '=' });
  assert.equal(parse(`AUTH PLAIN ${'A'.repeat(400)}`).verb, 'AUTH');
});

for (const line of [
  '',
  ' STAT',
  'STAT ',
  'STAT 1',
  'APOP x y',
  'USER',
  'USER ',
  'RETR',
  'RETR x',
  'RETR -1',
  'RETR 1 2',
  'RETR 11111111111',
  'TOP 1',
  'TOP 1 2 3',
  'TOP 1 -1',
  'AUTH ',
  'AUTH PLAIN ',
  'AUTH PLAIN a b',
  'PASS a\0b',
  `USER ${'x'.repeat(249)}`,
]) {
  test(`is no command: ${JSON.stringify(line.slice(0, 30))}`, () => {
    assert.equal(parse(line).verb, 'malformed');
  });
}

test('no octets make it throw', () => {
  fc.assert(fc.property(fc.uint8Array(), (octets) => void parseCommand(Buffer.from(octets))));
});
