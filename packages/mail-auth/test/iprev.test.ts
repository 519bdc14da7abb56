import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { openSenderChecks } from '../src/index.ts';
import { type Zone, ZoneNames } from './zone-names.ts';

const REVERSE = '1.2.0.192.in-addr.arpa';
const REVERSE6 = '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa';

async function iprev(zone: Zone, address = '192.0.2.1'): Promise<string> {
  const { result, name } = await openSenderChecks(new ZoneNames(zone)).iprev(address);
  return name === undefined ? result : `${result} ${name}`;
}

describe('A name', () => {
  const zone: Zone = {
    [REVERSE]: [['PTR', 'Mail.Red.Test.']],
    [REVERSE6]: [['PTR', 'mail.red.test']],
    'mail.red.test': [
      ['A', '192.0.2.9'],
      ['A', '192.0.2.1'],
      ['AAAA', '2001:db8:0:0::1'],
    ],
  };
  test('that leads back passes', async () => {
    assert.equal(await iprev(zone), 'pass mail.red.test');
    assert.equal(await iprev(zone, '2001:DB8::1'), 'pass mail.red.test');
    assert.equal(await iprev(zone, '::ffff:192.0.2.1'), 'pass mail.red.test');
  });

  test('that leads elsewhere, or nowhere, fails', async () => {
    assert.equal(
      await iprev({ [REVERSE]: [['PTR', 'bank.test']], 'bank.test': [['A', '192.0.2.7']] }),
      'fail bank.test',
    );
    assert.equal(await iprev({ [REVERSE]: [['PTR', 'gone.test']] }), 'fail gone.test');
    assert.equal(
      await iprev({ [REVERSE]: [['PTR', 'six.test']], 'six.test': [['AAAA', '2001:db8::1']] }),
      'fail six.test',
    );
  });

  test('of several is enough, were it the tenth; the eleventh is not asked for', async () => {
    const named = (count: number): Zone => ({
      [REVERSE]: Array.from({ length: count }, (_, i) => ['PTR', `n${i + 1}.test`] as const),
      [`n${count}.test`]: [['A', '192.0.2.1']],
    });
    assert.equal(await iprev(named(10)), 'pass n10.test');
    assert.equal(await iprev(named(11)), 'fail n1.test');
  });

  test('that is none is none', async () => {
    assert.equal(await iprev({ [REVERSE]: [['PTR', 'a\r\nb.test']] }), 'fail');
    assert.equal(await iprev({}), 'fail');
  });

  test('that nobody tells is temporary, unless another leads back', async () => {
    assert.equal(await iprev({ [REVERSE]: ['TIMEOUT'] }), 'temperror');
    const slow: Zone = {
      [REVERSE]: [
        ['PTR', 'slow.test'],
        ['PTR', 'fast.test'],
      ],
      'slow.test': ['TIMEOUT'],
    };
    assert.equal(await iprev(slow), 'temperror slow.test');
    assert.equal(await iprev({ ...slow, 'fast.test': [['A', '192.0.2.1']] }), 'pass fast.test');
  });
});

test('What is no address has no name', async () => {
  for (const text of ['', 'red.test', '192.0.2', '[192.0.2.1]', '1:2'])
    assert.equal(await iprev({}, text), 'permerror');
});
