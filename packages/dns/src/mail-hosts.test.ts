import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startDns } from '@waybill/lab';
import { AddressPolicy, literalAddress } from './addresses.ts';
import { Lab } from './lab.ts';
import { mailHosts } from './mail-hosts.ts';
import { Resolver } from './resolver.ts';

const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());
const crowd = Array.from({ length: 30 }, (_, i) => `@ MX 10 h${i}\nh${i} A 192.0.2.${i}`).join('\n');
const server = resources.use(
  await startDns({
    zones: `
zone x.test
@    MX 20 second
@    MX 10 first
@    MX 30 us.own.test.
@    MX 40 worse
first  A 192.0.2.1
first  AAAA 2001:db8::1
second A 192.0.2.2
worse  A 192.0.2.3
zone plain.test
@ A 192.0.2.9
zone empty.test
@ TXT "x"
zone null.test
@ MX 0 .
zone loop.test
@ MX 10 us.own.test.
zone lost.test
@ MX 10 nowhere
zone half.test
@ MX 10 a.away.test.
@ MX 20 b
b A 192.0.2.8
zone dark.test
@ MX 10 a.away.test.
zone crowd.test
${crowd}
zone away.test SERVFAIL
`,
  }),
);
const resolver = new Resolver({ servers: [server.address] });

async function hosts(domain: string): Promise<string> {
  const answer = await mailHosts(resolver, domain, { ownNames: ['us.own.test'], random: () => 0.5 });
  if (answer.kind === 'hosts')
    return answer.hosts.map(({ name, addresses }) => `${name} ${addresses.join(' ')}`).join('; ');
  return answer.kind === 'permanent' ? answer.enhanced : answer.kind;
}

test('hosts come by preference and end before ourselves', async () => {
  assert.equal(await hosts('x.test'), 'first.x.test 192.0.2.1 2001:db8::1; second.x.test 192.0.2.2');
  assert.equal(await hosts('loop.test'), '5.4.6');
});

test('a domain without MX is its own host', async () => {
  assert.equal(await hosts('plain.test'), 'plain.test 192.0.2.9');
  assert.equal(await hosts('[192.0.2.5]'), '192.0.2.5 192.0.2.5');
  assert.equal(await hosts('[nonsense]'), '5.1.2');
});

test('what can never be delivered is permanent, what nobody could say is not', async () => {
  assert.equal(await hosts('null.test'), '5.1.10');
  assert.equal(await hosts('nothing.test'), '5.1.2');
  assert.equal(await hosts('empty.test'), '5.1.2');
  assert.equal(await hosts('lost.test'), '5.4.4');
  assert.equal(await hosts('away.test'), 'try-later');
  assert.equal(await hosts('dark.test'), 'try-later');
  assert.equal(await hosts('half.test'), 'b.half.test 192.0.2.8');
});

test('of very many hosts ten are used, equals in random order', async () => {
  const order = async (): Promise<string[]> => {
    const answer = await mailHosts(resolver, 'crowd.test', { ownNames: [] });
    return answer.kind === 'hosts' ? answer.hosts.map(({ name }) => name) : [];
  };
  const [one, two, three] = [await order(), await order(), await order()];
  assert.equal(one.length, 10);
  assert.ok(one.join() !== two.join() || two.join() !== three.join());
});

test('no mail goes into networks of our own', () => {
  const policy = new AddressPolicy();
  for (const good of ['8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::808:808'])
    assert.ok(policy.permits(good), good);
  const refused = [
    '127.0.0.1',
    '10.1.2.3',
    '192.168.0.1',
    '172.16.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
  ];
  const refusedSix = [
    '::1',
    '::',
    'fe80::1',
    'fc00::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:db8::1',
    'nonsense',
  ];
  for (const bad of [...refused, ...refusedSix]) assert.ok(!policy.permits(bad), bad);
  assert.ok(new AddressPolicy(['127.0.0.0/8']).permits('127.0.0.2'));
  assert.ok(!new AddressPolicy(['127.0.0.0/8']).permits('::1'));
  assert.equal(literalAddress('[IPv6:2001:db8::1]'), '2001:db8::1');
});

test('networks of an intranet may be opened, this machine and its link never', () => {
  const { policy } = new Lab({
    on: false,
    allow: '',
    ports: '',
    intranet: '10.0.0.0/8, fd00::/8, 0.0.0.0/0, ::/0',
  });
  for (const open of ['10.1.2.3', '192.168.0.1', 'fd00::1', '::ffff:10.1.2.3'])
    assert.ok(policy.permits(open), open);
  for (const shut of [
    '127.0.0.1',
    '::1',
    '::ffff:127.0.0.1',
    '169.254.169.254',
    'fe80::1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
  ])
    assert.ok(!policy.permits(shut), shut);
  assert.ok(
    !new Lab({ on: false, allow: '', ports: '', intranet: '10.0.0.0/8' }).policy.permits('172.16.0.1'),
  );
  assert.throws(
    () => new Lab({ on: false, allow: '', ports: '', intranet: 'ten' }),
    /WAYBILL_ALLOW_ADDRESSES/,
  );
});

test('what is for the lab is refused elsewhere', () => {
  assert.throws(() => new Lab({ on: false, allow: '127.0.0.0/8', ports: '' }), /lab only/);
  assert.throws(() => new Lab({ on: false, allow: '', ports: '127.0.0.1:25=2525' }), /lab only/);
  assert.throws(() => new Lab({ on: true, allow: 'x', ports: '' }), /CIDR/);
  assert.throws(() => new Lab({ on: true, allow: '', ports: '127.0.0.1' }), RangeError);
  const lab = new Lab({
    on: true,
    allow: '127.0.0.0/8',
    ports: '127.0.0.2:25=2525, 127.0.0.3:25=127.0.0.1:2526',
  });
  assert.deepEqual(lab.place('127.0.0.2', 25), { host: '127.0.0.2', port: 2525 });
  assert.deepEqual(lab.place('127.0.0.3', 25), { host: '127.0.0.1', port: 2526 });
  assert.deepEqual(lab.place('127.0.0.3', 26), { host: '127.0.0.3', port: 26 });
});
