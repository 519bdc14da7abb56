import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, RecordType, RecordTypes } from '@waybill/dns';
import type { Names } from '@waybill/mail-auth';
import { isInner } from '@waybill/listener';
import { gatewayOf } from './address-kinds.ts';
import { clientGroups, reversed } from './client-network.ts';
import { DnsLists, parseDnsLists } from './dns-lists.ts';
import { LostAddress } from './lost-address.ts';
import { Rates } from './rates.ts';

// Lost addresses.

const watch = (connections = 50): LostAddress => new LostAddress({ connections, standIn: isInner });
const come = (lost: LostAddress, address: string, times: number, names: number): (string | undefined)[] =>
  Array.from({ length: times }, (_, i) => lost.observe(address, `host${i % names}.test`));

test('fifty connections of one inner address with ten names: lost, said once', () => {
  const lost = watch();
  assert.deepEqual(come(lost, '172.18.0.1', 49, 10).filter(Boolean), []);
  assert.equal(lost.observe('172.18.0.1', 'host9.test'), 'lost');
  assert.deepEqual(come(lost, '172.18.0.1', 100, 10).filter(Boolean), []);
  assert.ok(lost.hides('172.18.0.1') && !lost.hides('172.18.0.2') && !lost.hides('203.0.113.9'));
  assert.equal(lost.lost, 1);
});

test('a relay of our own network has one name, and a busy stranger is a stranger', () => {
  const lost = watch();
  come(lost, '10.0.0.5', 500, 1);
  come(lost, '10.0.0.6', 500, 9);
  come(lost, '203.0.113.9', 500, 50);
  assert.equal(lost.lost, 0);
});

test('names in another case are the same name', () => {
  const lost = watch(10);
  for (let i = 0; i < 50; i++) lost.observe('10.0.0.5', i % 2 === 0 ? 'HOST.test' : 'host.TEST');
  assert.equal(lost.lost, 0);
});

test('where a proxy hides some clients, the others are still known', () => {
  const lost = watch(5);
  const answers: unknown[] = [];
  for (let i = 0; i < 10; i++) {
    answers.push(lost.observe('fd00::1', `six${i}.test`));
    answers.push(lost.observe('203.0.113.9', `four${i}.test`));
  }
  assert.deepEqual(answers.filter(Boolean), ['lost']);
  assert.ok(lost.hides('fd00::1') && !lost.hides('203.0.113.9'));
});

test('real addresses, and nothing else, bring it back', () => {
  const lost = watch(5);
  come(lost, '10.0.0.1', 5, 5);
  assert.equal(lost.lost, 1);
  come(lost, '203.0.113.1', 4, 4);
  come(lost, '10.0.0.1', 1, 1);
  come(lost, '203.0.113.1', 4, 4);
  assert.equal(lost.lost, 1, 'not while it goes on');
  assert.equal(lost.observe('198.51.100.7', 'x.test'), 'found');
  assert.ok(!lost.hides('10.0.0.1'));
  assert.ok(come(lost, '10.0.0.1', 5, 5).includes('lost'));
});

test('it can be switched off', () => {
  assert.deepEqual(come(watch(0), '10.0.0.1', 200, 200).filter(Boolean), []);
});

test('the gateway is read from the routing table', () => {
  const table =
    'Iface\tDestination\tGateway \tFlags\neth0\t0000A8C0\t00000000\t0001\neth0\t00000000\t010012AC\t0003\n';
  assert.equal(gatewayOf(table), '172.18.0.1');
  assert.equal(gatewayOf(''), undefined);
});

// Rates.

test('a client is bound by its own rate, its network by four times as much', () => {
  let now = 0;
  const rates = new Rates(10, () => now);
  const take = (address: string, times: number): unknown[] =>
    Array.from({ length: times }, () => rates.take(address)).filter((one) => one !== undefined);
  assert.deepEqual(take('192.0.2.1', 12), ['client', 'client']);
  for (const last of [2, 3, 4]) assert.deepEqual(take(`192.0.2.${last}`, 10), []);
  assert.deepEqual(take('192.0.2.5', 1), ['network']);
  assert.deepEqual(take('192.0.3.5', 1), []);
  now = 6000; // a tenth of a minute
  assert.deepEqual(take('192.0.2.1', 2), ['client']);
  now = 60_000_000;
  assert.deepEqual(take('192.0.2.1', 11), ['client']);
});

test('without a limit all may come', () => {
  const rates = new Rates(0);
  for (let i = 0; i < 1000; i++) assert.equal(rates.take('192.0.2.1'), undefined);
});

test('an IPv6 client is its /64, and its network the /48', () => {
  const of = (address: string) => clientGroups(address);
  assert.deepEqual(of('2001:db8:1:2::3'), of('2001:db8:1:2:ffff::'));
  assert.notEqual(of('2001:db8:1:2::').client, of('2001:db8:1:3::').client);
  assert.equal(of('2001:db8:1:2::').network, of('2001:db8:1:ffff::').network);
  assert.notEqual(of('2001:db8:1::').network, of('2001:db8:2::').network);
});

// Lists.

class Scripted implements Names {
  readonly asked: string[] = [];
  readonly #records: Readonly<Record<string, readonly string[]>>;

  constructor(records: Readonly<Record<string, readonly string[]>>) {
    this.#records = records;
  }

  lookup<T extends RecordType>(name: string): Promise<Answer<RecordTypes[T]>> {
    this.asked.push(name);
    const records = this.#records[name] as readonly RecordTypes[T][] | undefined;
    if (name.endsWith('.away.test')) return Promise.resolve({ kind: 'try-later', cause: 'away' });
    return Promise.resolve(
      records === undefined ? { kind: 'nxdomain' } : { kind: 'found', records, authenticated: false },
    );
  }
}

function listsOf(records: Readonly<Record<string, readonly string[]>>, block: string, allow = '') {
  const names = new Scripted(records);
  const trouble: string[] = [];
  const lists = new DnsLists({
    names,
    block: parseDnsLists('BLOCK', block),
    allow: parseDnsLists('ALLOW', allow),
    onTrouble: (zone, answer) => trouble.push(`${zone} ${answer}`),
  });
  return { lists, trouble, asked: names.asked };
}

test('RFC 5782: an address is asked for backwards, octets or nibbles', async () => {
  assert.equal(reversed('192.0.2.99'), '99.2.0.192');
  assert.equal(
    reversed('2001:db8:1:2:3:4:567:89ab'),
    'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2', // the example of its §2.4
  );
  const { lists } = listsOf({ '9.113.0.203.zen.test': ['127.0.0.2'] }, 'zen.test', 'good.test');
  assert.deepEqual(await lists.find('203.0.113.9'), { blocked: ['zen.test'], allowed: [] });
  assert.deepEqual(await lists.find('203.0.113.10'), { blocked: [], allowed: [] });
});

test('only answers that were asked for count, and only those of 127/8', async () => {
  const { lists, trouble } = listsOf(
    {
      '9.113.0.203.codes.test': ['127.0.0.10', '127.0.0.4'],
      '9.113.0.203.other.test': ['127.0.0.10'],
      '9.113.0.203.parked.test': ['198.51.100.1'],
      '9.113.0.203.refuses.test': ['127.255.255.254'],
    },
    'codes.test=127.0.0.3,127.0.0.4 other.test=127.0.0.3, parked.test refuses.test. away.test',
  );
  assert.deepEqual(await lists.find('203.0.113.9'), { blocked: ['codes.test'], allowed: [] });
  assert.deepEqual(trouble, ['parked.test 198.51.100.1', 'refuses.test 127.255.255.254']);
});

test('no list is asked for an inner address', async () => {
  const { lists, asked } = listsOf({}, 'zen.test');
  for (const address of ['10.1.2.3', '127.0.0.1', '100.64.0.1', 'fd00::1', '::1', '169.254.1.1'])
    assert.deepEqual(await lists.find(address), { blocked: [], allowed: [] });
  assert.deepEqual(asked, []);
});

test('a setting that is no list is told', () => {
  for (const wrong of [
    '127.0.0.2',
    'zen',
    'zen.test=1.2.3.4',
    'zen.test=x',
    'zen.test=127.0.0.2,8.8.8.8',
    'a b!.c',
  ])
    assert.throws(
      () => parseDnsLists('WAYBILL_DNS_BLOCK_LISTS', wrong),
      /^RangeError: WAYBILL_DNS_BLOCK_LISTS: /,
      wrong,
    );
  assert.deepEqual(parseDnsLists('X', ''), []);
});
