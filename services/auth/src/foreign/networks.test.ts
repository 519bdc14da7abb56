import assert from 'node:assert/strict';
import test from 'node:test';
import { plainAddress } from '@waybill/listener';
import { foreignNetworks } from './networks.ts';

test('nobody is in an empty list', () => {
  const none = foreignNetworks('');
  for (const address of ['127.0.0.1', '::1', '10.0.0.1', '']) assert.equal(none.has(address), false);
});

test('addresses and networks of both kinds are told', () => {
  const networks = foreignNetworks('10.1.0.0/16, 192.0.2.7, fd00::/8');
  for (const address of ['10.1.2.3', '192.0.2.7', 'fd12::1'])
    assert.equal(networks.has(address), true, address);
  for (const address of ['10.2.0.1', '192.0.2.8', 'fe80::1', '127.0.0.1'])
    assert.equal(networks.has(address), false, address);
  assert.equal(networks.has(plainAddress('::ffff:10.1.2.3')), true);
});

test('a faulty entry is named', () => {
  for (const text of ['10.0.0.0/33', 'fd00::/129', 'localhost', '10.0.0.0/x', '10.0.0.0/'])
    assert.throws(() => foreignNetworks(text), /WAYBILL_FOREIGN_NETWORKS/, text);
});
