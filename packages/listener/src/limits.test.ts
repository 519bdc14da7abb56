import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressLimits } from './limits.ts';
import { Networks, plainAddress } from './networks.ts';

function limits(maxConnections: number, maxPerAddress: number, unlimited = ''): AddressLimits {
  return new AddressLimits({ maxConnections, maxPerAddress, unlimited: new Networks(unlimited) });
}

test('one address is bound by its own limit and gets the place back when it leaves', () => {
  const l = limits(10, 1);
  const first = l.take('192.0.2.1');
  assert.ok(typeof first === 'object');
  assert.equal(l.take('192.0.2.1'), 'too-many-from-address');
  assert.ok(typeof l.take('192.0.2.2') === 'object');
  first.release();
  assert.ok(typeof l.take('192.0.2.1') === 'object');
});

test('an IPv6 client is its /64', () => {
  const l = limits(10, 1);
  assert.ok(typeof l.take('2001:db8:1:2::1') === 'object');
  assert.equal(l.take('2001:db8:1:2:ffff::9'), 'too-many-from-address');
  assert.ok(typeof l.take('2001:db8:1:3::1') === 'object');
});

test('an exempted address is bound only by the limit for all', () => {
  const l = limits(3, 1, '127.0.0.0/8, fd00::/8');
  for (let i = 0; i < 3; i++) assert.ok(typeof l.take('127.0.0.1') === 'object');
  assert.equal(l.take('127.0.0.1'), 'too-many');
});

test('networks are checked when they are written, and match what they say', () => {
  const n = new Networks('10.0.0.0/8, 192.0.2.7,fd00::/8');
  assert.ok(n.has('10.200.1.1') && n.has('192.0.2.7') && n.has('fd12::1'));
  assert.ok(!n.has('192.0.2.8') && !n.has('2001:db8::1') && !n.has('nonsense'));
  assert.ok(!new Networks('').has('127.0.0.1'));
  for (const wrong of ['10.0.0.0/33', 'example.org', '10.0.0.0/', '::/129', '1.2.3'])
    assert.throws(() => new Networks(wrong), /no address or network/);
});

test('mapped IPv4 addresses and zones are written plainly', () => {
  assert.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(plainAddress('fe80::1%eth0'), 'fe80::1');
  assert.equal(plainAddress('2001:db8::1'), '2001:db8::1');
});
