import assert from 'node:assert/strict';
import test from 'node:test';
import { isInner } from '@waybill/listener';
import { type Attempt, delayAfter, networksOf, Penalties, type Penalty } from './penalties.ts';

let tries = 0;
/** An attempt with a password that nobody tried before. */
const attempt = (client: string, name: string, more: Partial<Attempt> = {}): Attempt => ({
  client,
  name,
  fingerprint: `f${++tries}`,
  known: false,
  ...more,
});
const wait = (penalty: Penalty): number | 'refuse' => (penalty.kind === 'refuse' ? 'refuse' : penalty.ms);
/** Enters, leaves, and says what it cost. */
function costs(penalties: Penalties, one: Attempt, now = 0): number | 'refuse' {
  const penalty = penalties.enter(one, now);
  if (penalty.kind === 'delay') penalties.leave(one);
  return wait(penalty);
}

test('delays begin with the fourth failure, double, and end at a second', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 7, 50, 5000].map(delayAfter),
    [0, 0, 0, 100, 200, 400, 800, 1000, 1000, 1000],
  );
});

test('an account is slowed down for every client, but never refused', () => {
  const penalties = new Penalties({ clientLimit: 10 });
  for (let i = 0; i < 100; i++) penalties.failed(attempt(`192.0.${i}.1`, 'alice@red.test'), 0);
  assert.equal(costs(penalties, attempt('198.51.100.1', 'alice@red.test')), 1000);
  assert.equal(costs(penalties, attempt('198.51.100.1', 'bob@red.test')), 0);
  penalties.succeeded(attempt('198.51.100.1', 'alice@red.test'));
  assert.equal(costs(penalties, attempt('198.51.100.1', 'alice@red.test')), 0);
});

test('a network that the account came from before does not bear what others did to the account', () => {
  const penalties = new Penalties({ clientLimit: 10 });
  for (let i = 0; i < 100; i++) penalties.failed(attempt(`192.0.${i}.1`, 'alice@red.test'), 0);
  assert.equal(costs(penalties, attempt('198.51.100.1', 'alice@red.test', { known: true })), 0);
  for (let i = 0; i < 100; i++) penalties.failed(attempt('198.51.100.1', `guess${i}`), 0);
  assert.equal(costs(penalties, attempt('198.51.100.1', 'alice@red.test')), 'refuse');
  for (let i = 0; i < 50; i++) penalties.enter(attempt('198.51.100.1', 'bob@red.test', { known: true }), 0);
  const owner = costs(penalties, attempt('198.51.100.1', 'alice@red.test', { known: true }));
  assert.ok(owner !== 'refuse' && owner <= 1000, 'slowed down like its neighbours, and heard');
});

test('one wrong password counts once, however often it is repeated', () => {
  const penalties = new Penalties({ clientLimit: 5, banAfter: 5 });
  const stale = attempt('192.0.2.1', 'alice@red.test');
  for (let i = 0; i < 500; i++) assert.equal(penalties.failed(stale, 0), false);
  assert.equal(costs(penalties, attempt('192.0.2.1', 'alice@red.test')), 0);
});

test('a client is refused after its limit, whoever it tries to be, and heard again when failures fade', () => {
  const penalties = new Penalties({ clientLimit: 5, fadeMs: 1000 });
  for (let i = 0; i < 5; i++) penalties.failed(attempt('192.0.2.1', `guess${i}`), 0);
  assert.equal(costs(penalties, attempt('192.0.2.1', 'new'), 0), 'refuse');
  assert.notEqual(costs(penalties, attempt('192.0.2.1', 'new'), 500), 'refuse');
  assert.equal(costs(penalties, attempt('192.0.2.1', 'new'), 5000), 0);
});

test('a network around many failing clients is slowed down, then refused', () => {
  const penalties = new Penalties({ clientLimit: 5 });
  for (let i = 1; i <= 40; i++) penalties.failed(attempt(`192.0.2.${i}`, `guess${i}`), 0);
  assert.equal(costs(penalties, attempt('192.0.2.200', 'new')), 200);
  assert.equal(costs(penalties, attempt('192.0.3.200', 'new')), 0);
  for (let i = 1; i <= 10; i++) penalties.failed(attempt(`192.0.2.${i + 50}`, `more${i}`), 0);
  assert.equal(costs(penalties, attempt('192.0.2.200', 'new')), 'refuse');
});

test('guesses that come all at once stand in one line', () => {
  const penalties = new Penalties({ clientLimit: 0 });
  const answers = Array.from({ length: 200 }, () =>
    wait(penalties.enter(attempt('192.0.2.1', 'alice@red.test'), 0)),
  );
  assert.ok(answers.filter((answer) => answer === 0).length <= 13, 'the first are heard at once');
  assert.ok(answers.filter((answer) => answer === 'refuse').length >= 180, 'the line is short');
  // Many connections of one device with one password are one guess.
  const same = attempt('198.51.100.1', 'bob@red.test');
  assert.ok(Array.from({ length: 50 }, () => wait(penalties.enter(same, 0))).every((ms) => ms === 0));
});

test('a network from which many log in right may bring more at once', () => {
  const penalties = new Penalties({ clientLimit: 0 });
  for (let i = 0; i < 9; i++) penalties.succeeded(attempt('192.0.2.1', `user${i}`));
  const answers = Array.from({ length: 100 }, (_, i) =>
    wait(penalties.enter(attempt('192.0.2.1', `other${i}`), 0)),
  );
  assert.ok(answers.every((ms) => ms === 0));
});

test('a network is worth a ban once after so many different failures, its own people not counted', () => {
  const penalties = new Penalties({ clientLimit: 0, banAfter: 10 });
  const verdicts = Array.from({ length: 15 }, (_, i) => penalties.failed(attempt('192.0.2.1', `g${i}`), i));
  assert.deepEqual(verdicts.indexOf(true), 9);
  assert.equal(verdicts.filter(Boolean).length, 1);
  for (let i = 0; i < 50; i++)
    assert.equal(penalties.failed(attempt('192.0.2.2', 'alice@red.test', { known: true }), 0), false);
});

test('whoever stands behind a proxy of ours does not bear what others there guess', () => {
  const penalties = new Penalties({ clientLimit: 10 });
  for (const client of ['10.0.0.1', 'unix']) {
    for (let i = 0; i < 500; i++) penalties.failed(attempt(client, `guess${i}`), 0);
    assert.equal(costs(penalties, attempt(client, 'owner@red.test')), 0, client);
  }
});

test('one device with an old password is no reason for a ban, though SCRAM makes each try look new', () => {
  const penalties = new Penalties({ clientLimit: 0, banAfter: 10 });
  const device = (): Attempt =>
    attempt('192.0.2.1', 'alice@red.test', { towardsBan: 'scram alice@red.test' });
  for (let i = 0; i < 100; i++) assert.equal(penalties.failed(device(), 0), false);
});

test('a limit of 0 refuses nobody', () => {
  const penalties = new Penalties({ clientLimit: 0 });
  for (let i = 0; i < 500; i++) penalties.failed(attempt('192.0.2.1', 'a'), 0);
  assert.notEqual(costs(penalties, attempt('192.0.2.1', 'a')), 'refuse');
});

test('a flood of names takes bounded memory', () => {
  const penalties = new Penalties({ clientLimit: 2, entries: 10 });
  penalties.failed(attempt('192.0.2.1', 'a'), 0);
  penalties.failed(attempt('192.0.2.1', 'a'), 0);
  for (let i = 0; i < 10; i++) penalties.failed(attempt(`198.51.${i}.1`, `n${i}`), 0);
  assert.equal(costs(penalties, attempt('192.0.2.1', 'a')), 0);
});

test('an IPv6 customer is its /64 in a /48, an IPv4-mapped address its IPv4 address', () => {
  assert.equal(networksOf('192.0.2.1').narrow, '192.0.2.1/32');
  assert.equal(networksOf('192.0.2.1').wide, '192.0.2.0/24');
  assert.equal(networksOf('::ffff:192.0.2.1').narrow, '192.0.2.1/32');
  assert.equal(networksOf('2001:db8:1:2:3:4:5:6').narrow, '2001:db8:1:2::/64');
  assert.equal(networksOf('2001:db8:1:2:3:4:5:6').wide, '2001:db8:1::/48');
  assert.equal(networksOf('nonsense').narrow, 'nonsense');
});

test('what is not of the internet is never banned', () => {
  for (const inner of ['127.0.0.1', '10.9.8.7', '172.31.0.1', '192.168.1.1', '169.254.1.1', '100.64.0.1'])
    assert.ok(isInner(inner), inner);
  for (const inner of ['::1', 'fe80::1%eth0', 'fd00::1', '::ffff:10.0.0.1']) assert.ok(isInner(inner), inner);
  for (const outer of ['192.0.2.1', '172.32.0.1', '100.128.0.1', '2001:db8::1', 'nonsense'])
    assert.ok(!isInner(outer), outer);
});
