import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decodeBase64 } from './base64.ts';
import { readLogin } from './login.ts';
import { readPlain } from './plain.ts';

const encode = (text: string): string => Buffer.from(text).toString('base64');

suite('SASL', () => {
  test('PLAIN gives name and password, UTF-8 and all', () => {
    const credentials = { username: 'ä@red.test', password: 'p w ü' };
    assert.deepEqual(readPlain(encode('\0ä@red.test\0p w ü')), credentials);
    assert.deepEqual(readPlain(encode('ä@red.test\0ä@red.test\0p w ü')), credentials);
  });

  test('PLAIN refuses acting for others and what is no such response', () => {
    assert.equal(readPlain(encode('bob\0alice\0secret')), 'cannot-act-for-others');
    for (const bad of [
      '',
      '=',
      '!!!!',
      encode('alice'),
      encode('\0alice'),
      encode('\0\0x'),
      encode('\0a\0b\0c'),
    ])
      assert.equal(readPlain(bad), 'malformed', bad);
  });

  test('LOGIN gives name and password from its two responses', () => {
    assert.deepEqual(readLogin(encode('alice'), encode('secret')), { username: 'alice', password: 'secret' });
    assert.equal(readLogin(encode('alice'), '='), 'malformed');
    assert.equal(readLogin('%', encode('secret')), 'malformed');
  });

  test('only canonical base64 is base64', () => {
    for (const bad of ['YQ', 'YQ=', 'YQ==\n', 'YR==', 'Y Q=', '-_==', 'A'.repeat(12_292)])
      assert.equal(decodeBase64(bad), undefined, bad);
    assert.equal(decodeBase64('YQ==')?.toString(), 'a');
  });
});
