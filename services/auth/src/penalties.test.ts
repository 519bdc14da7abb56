import assert from 'node:assert/strict';
import test from 'node:test';
import { delayAfter, network, Penalties } from './penalties.ts';

test('delays begin with the fourth failure, double, and end at a second', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 7, 50, 5000].map(delayAfter),
    [0, 0, 0, 100, 200, 400, 800, 1000, 1000, 1000],
  );
});

test('an account is slowed down for every client, but never refused', () => {
  const penalties = new Penalties({ clientLimit: 10 });
  for (let i = 0; i < 100; i++) penalties.failed(`192.0.2.${i}`, 'alice@red.test', 0);
  assert.deepEqual(penalties.before('198.51.100.1', 'alice@red.test', 0), { kind: 'delay', ms: 1000 });
  assert.deepEqual(penalties.before('198.51.100.1', 'bob@red.test', 0), { kind: 'delay', ms: 0 });
  penalties.succeeded('alice@red.test');
  assert.deepEqual(penalties.before('198.51.100.1', 'alice@red.test', 0), { kind: 'delay', ms: 0 });
});

test('a client is refused after its limit, whoever it tries to be, and heard again when failures fade', () => {
  const penalties = new Penalties({ clientLimit: 5, fadeMs: 1000 });
  for (let i = 0; i < 5; i++) penalties.failed('192.0.2.1', `guess${i}`, 0);
  assert.deepEqual(penalties.before('192.0.2.1', 'new', 0), { kind: 'refuse' });
  assert.equal(penalties.before('192.0.2.1', 'new', 500).kind, 'delay');
  assert.deepEqual(penalties.before('192.0.2.1', 'new', 5000), { kind: 'delay', ms: 0 });
});

test('a limit of 0 refuses nobody', () => {
  const penalties = new Penalties({ clientLimit: 0 });
  for (let i = 0; i < 500; i++) penalties.failed('192.0.2.1', 'a', 0);
  assert.equal(penalties.before('192.0.2.1', 'a', 0).kind, 'delay');
});

test('a flood of names takes bounded memory', () => {
  const penalties = new Penalties({ clientLimit: 2, entries: 10 });
  penalties.failed('first', 'a', 0);
  penalties.failed('first', 'a', 0);
  for (let i = 0; i < 10; i++) penalties.failed(`c${i}`, `n${i}`, 0);
  assert.deepEqual(penalties.before('first', 'a', 0), { kind: 'delay', ms: 0 });
});

test('an IPv6 customer is its /64, an IPv4-mapped address its IPv4 address', () => {
  assert.equal(network('192.0.2.1'), '192.0.2.1');
  assert.equal(network('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(network('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
  assert.equal(network('2001:DB8:1:2::9'), '2001:db8:1:2::/64');
  assert.equal(network('2001:0db8:0001:0002::'), '2001:db8:1:2::/64');
  assert.equal(network('2001:db8::1'), network('2001:db8:0:0:ffff::'));
  assert.notEqual(network('2001:db8:1:3::9'), network('2001:db8:1:2::9'));
  assert.equal(network('fe80::1%eth0'), 'fe80:0:0:0::/64');
  assert.equal(network('nonsense'), 'nonsense');
});
