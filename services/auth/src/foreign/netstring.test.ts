import assert from 'node:assert/strict';
import test from 'node:test';
import { Garbage } from './conversation.ts';
import { netstring, readNetstring } from './netstring.ts';

const read = (text: string, most = 100_000): unknown => {
  const found = readNetstring(Buffer.from(text), most);
  return 'need' in found ? found : { data: found.data.toString(), length: found.length };
};

test('a netstring is read, and what follows is left', () => {
  assert.deepEqual(read('5:hello,12:next'), { data: 'hello', length: 8 });
  assert.deepEqual(read('0:,'), { data: '', length: 3 });
});

test('length counts octets', () => {
  assert.equal(netstring('ä'), '2:ä,');
  assert.deepEqual(read(netstring('ä€')), { data: 'ä€', length: 8 });
});

test('what has not come yet is awaited, exactly as much as is missing', () => {
  assert.deepEqual(read(''), { need: 1 });
  assert.deepEqual(read('1'), { need: 2 });
  assert.deepEqual(read('10:abc'), { need: 14 });
});

test('what is no netstring, or too long, is garbage', () => {
  for (const text of [
    'x',
    ':,',
    '05:hello,',
    '-1:a,',
    '5:hello;',
    '1 :a,',
    '9999999',
    '100001:',
    'GET / HTTP/1.1',
  ])
    assert.throws(() => read(text), Garbage, text);
});
