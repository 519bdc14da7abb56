import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { startDns } from '@waybill/lab';
import packet from 'dns-packet';
import { Resolver } from './resolver.ts';

const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());
const many = Array.from({ length: 80 }, (_, i) => `many A 198.51.100.${i}`).join('\n');
const zone = `
zone x.test
@     MX   10 mx
@     MX   20 mx2.other.test.
mx    A    192.0.2.1
www   CNAME mx
text  TXT  "one" "two"
${many}
zone away.test SERVFAIL
zone silent.test DROP
`;
const server = resources.use(await startDns({ zones: zone }));
const resolver = new Resolver({ servers: [server.address], timeoutMs: 1000 });

test('records are read by their type, names in plain form', async () => {
  assert.deepEqual(await resolver.lookup('X.test.', 'MX'), {
    kind: 'found',
    authenticated: false,
    records: [
      { preference: 10, exchange: 'mx.x.test' },
      { preference: 20, exchange: 'mx2.other.test' },
    ],
  });
  const text = await resolver.lookup('text.x.test', 'TXT');
  assert.deepEqual(text.kind === 'found' && text.records, ['onetwo']);
});

test('CNAMEs are followed', async () => {
  const answer = await resolver.lookup('www.x.test', 'A');
  assert.deepEqual(answer.kind === 'found' && answer.records, ['192.0.2.1']);
});

test('there is none, there is no such name, and nobody could say are three things', async () => {
  assert.deepEqual(await resolver.lookup('mx.x.test', 'MX'), { kind: 'none' });
  assert.deepEqual(await resolver.lookup('nothing.x.test', 'A'), { kind: 'nxdomain' });
  assert.equal((await resolver.lookup('a.away.test', 'A')).kind, 'try-later');
  const hasty = new Resolver({ servers: [server.address], timeoutMs: 20, rounds: 1 });
  assert.equal((await hasty.lookup('a.silent.test', 'A')).kind, 'try-later');
});

test('an answer too long for UDP is asked for again over TCP', async () => {
  const answer = await resolver.lookup('many.x.test', 'A');
  assert.equal(answer.kind === 'found' && answer.records.length, 80);
});

test('equal questions at one time are asked once, and answers are kept', async () => {
  const fresh = new Resolver({ servers: [server.address] });
  const before = server.queries;
  await Promise.all(Array.from({ length: 10 }, () => fresh.lookup('mx.x.test', 'A')));
  await fresh.lookup('MX.x.test', 'A');
  assert.equal(server.queries - before, 1);
});

test('questions beyond those under way wait their turn', async () => {
  const narrow = new Resolver({ servers: [server.address], inFlight: 1 });
  const answers = await Promise.all(
    ['mx', 'www', 'text', 'no'].map((name) => narrow.lookup(`${name}.x.test`, 'A')),
  );
  assert.deepEqual(
    answers.map(({ kind }) => kind),
    ['found', 'found', 'none', 'nxdomain'],
  );
});

test('forged answers are passed over, a second server is asked when the first refuses', async () => {
  const forger = dgram.createSocket('udp4');
  resources.defer(() => void forger.close());
  forger.on('message', (octets, peer) => {
    const { id = 0, questions = [] } = packet.decode(octets);
    const answers = [{ type: 'A' as const, name: 'a.x.test', ttl: 60, data: '203.0.113.66' }];
    const send = (forged: packet.Packet): void =>
      forger.send(packet.encode({ type: 'response', answers, ...forged }), peer.port, peer.address);
    forger.send(Buffer.from('junk'), peer.port, peer.address);
    send({ id: (id + 1) & 0xffff, questions });
    send({ id, questions: [{ type: 'A', name: 'b.x.test' }] });
    send({ id, questions, answers: [{ type: 'A', name: 'a.x.test', ttl: 60, data: '192.0.2.7' }] });
  });
  forger.bind(0, '127.0.0.1');
  await once(forger, 'listening');
  const wary = new Resolver({ servers: [`127.0.0.1:${forger.address().port}`] });
  const answer = await wary.lookup('a.x.test', 'A');
  assert.deepEqual(answer.kind === 'found' && answer.records, ['192.0.2.7']);
});

test('servers are addresses or names, with a port or without', async () => {
  for (const bad of ['127.0.0.1:x', '', ':53', '127.0.0', 'a b', '-x', 'dns.test:0', 'dns..test'])
    assert.throws(() => new Resolver({ servers: [bad] }), RangeError);
  const port = server.address.slice(server.address.lastIndexOf(':') + 1);
  const named = new Resolver({ servers: ['no-such-server.invalid', `localhost:${port}`] });
  assert.equal((await named.lookup('mx.x.test', 'A')).kind, 'found');
});
