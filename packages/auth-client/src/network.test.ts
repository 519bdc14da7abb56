import assert from 'node:assert/strict';
import test from 'node:test';
import { formatNetwork, NetworkTable, networkAround, parseIp, parseNetwork } from './network.ts';

const NETWORKS: readonly (readonly [text: string, canonical: string | undefined])[] = [
  ['192.0.2.1', '192.0.2.1/32'],
  ['192.0.2.77/24', '192.0.2.0/24'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['2001:DB8:1:2:3::9/64', '2001:db8:1:2::/64'],
  ['2001:0db8::', '2001:db8::/128'],
  ['::/0', '::/0'],
  ['::1', '::1/128'],
  ['::ffff:192.0.2.1', '192.0.2.1/32'],
  ['64:ff9b::192.0.2.33/128', '64:ff9b::c000:221/128'],
  ['fe80::1%eth0', 'fe80::1/128'],
  ['192.0.2.1/33', undefined],
  ['192.0.2.1/', undefined],
  ['192.0.2.1/-1', undefined],
  ['192.0.2.1/2 ', undefined],
  ['1.2.3', undefined],
  ['red.test', undefined],
  ['', undefined],
];
for (const [text, canonical] of NETWORKS)
  test(`"${text}" is ${canonical ?? 'no network'}`, () => {
    const network = parseNetwork(text);
    assert.equal(network === undefined ? undefined : formatNetwork(network), canonical);
  });

test('an address is found in every network around it, and in no other family', () => {
  const table = new NetworkTable<string>();
  for (const text of ['192.0.2.1', '192.0.2.0/24', '0.0.0.0/0', '::/0', '192.0.3.0/24'])
    table.set(parseNetwork(text)!, text);
  assert.deepEqual([...table.around(parseIp('192.0.2.1')!)], ['192.0.2.1', '192.0.2.0/24', '0.0.0.0/0']);
  assert.deepEqual([...table.around(parseIp('192.0.2.2')!)], ['192.0.2.0/24', '0.0.0.0/0']);
  assert.deepEqual([...table.around(parseIp('2001:db8::1')!)], ['::/0']);
  assert.equal(table.size, 5);
});

test('the network around an address has no host bits', () => {
  assert.equal(formatNetwork(networkAround(parseIp('2001:db8:1:2:3:4:5:6')!, 48)), '2001:db8:1::/48');
  assert.equal(formatNetwork(networkAround(parseIp('192.0.2.129')!, 25)), '192.0.2.128/25');
});
