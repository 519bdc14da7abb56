import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startDns } from '@waybill/lab';
import { askServer } from './ask.ts';
import { differences } from './difference.ts';
import { Inquiry } from './inquiry.ts';

const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());
const long = 'k'.repeat(300);
const zone = `
zone x.test
@     NS   ns1
@     NS   ns2
@     NS   ns3
ns1   A    127.0.0.61
ns2   A    127.0.0.62
@     MX   10 mx
mx    CNAME host.y.test.
text  TXT  "${long.slice(0, 255)}" "${long.slice(255)}"
_imaps._tcp SRV 0 1 993 mail
_pop3._tcp  SRV 0 0 0 .
deep.er A 192.0.2.9
zone y.test
@     NS   ns1.x.test.
host  A    192.0.2.1
`;
const old = resources.use(await startDns({ zones: zone.replace('MX   10 mx', '10 MX 10 before') }));
const own = resources.use(await startDns({ zones: zone }));
const lame = resources.use(await startDns({ zones: 'zone x.test REFUSED' }));
const place = (host: string): { host: string; port: number } => ({
  host: '127.0.0.1',
  port: host === '127.0.0.61' ? own.port : lame.port,
});
const inquiry = (): Inquiry => new Inquiry({ resolvers: [old.address], place, timeoutMs: 1000 });

test('the zone’s own servers are found and asked beside the resolver; theirs is the answer that counts', async () => {
  const seen = await inquiry().see('X.test.', 'MX');
  assert.deepEqual(seen.answer.kind === 'found' && seen.answer.records, [
    { value: { preference: 10, exchange: 'mx.x.test' }, ttl: 1 },
  ]);
  assert.deepEqual(
    seen.authorities.map(({ server, detail }) => [
      server,
      detail.kind === 'failed' ? detail.cause : detail.kind,
    ]),
    [
      ['ns1.x.test (127.0.0.61)', 'found'],
      ['ns2.x.test (127.0.0.62)', 'answers REFUSED'],
      ['ns3.x.test', 'has no address'],
    ],
  );
  assert.deepEqual(differences(seen), [
    `MX of x.test: the new value is live; the old one is cached at ${old.address} up to 10 s: 10 before.x.test`,
  ]);
});

test('aliases stay visible, also where they lead into another zone', async () => {
  const seen = await inquiry().see('mx.x.test', 'A');
  assert.deepEqual(seen.answer, {
    kind: 'found',
    records: [{ value: '192.0.2.1', ttl: 1 }],
    aliases: [{ name: 'mx.x.test', target: 'host.y.test' }],
    end: 'host.y.test',
  });
});

test('a text keeps the strings in which it was published', async () => {
  const detail = await askServer(own.address, 'text.x.test', 'TXT', { authoritative: true });
  assert.deepEqual(
    detail.kind === 'found' && detail.records[0]?.value.map(({ length }) => length),
    [255, 45],
  );
});

test('SRV is read, the root as not offered', async () => {
  const both = await Promise.all(
    ['_imaps._tcp.x.test', '_pop3._tcp.x.test'].map((name) => askServer(own.address, name, 'SRV')),
  );
  assert.deepEqual(
    both.map((detail) => detail.kind === 'found' && detail.records[0]?.value),
    [
      { priority: 0, weight: 1, port: 993, target: 'mail.x.test' },
      { priority: 0, weight: 0, port: 0, target: '' },
    ],
  );
});

test('a zone begins at the nearest name above that has servers', async () => {
  assert.equal((await inquiry().zoneOf('deep.er.x.test'))?.origin, 'x.test');
  assert.equal(await inquiry().zoneOf('nowhere.example'), undefined);
});

test('what cannot be asked is a value: no such server, no such name in DNS', async () => {
  assert.equal((await askServer('127.0.0.1:1', 'x.test', 'A', { timeoutMs: 50 })).kind, 'failed');
  assert.equal((await askServer(own.address, `${'a'.repeat(64)}.test`, 'A')).kind, 'failed');
  assert.equal((await askServer(own.address, 'a..test', 'A')).kind, 'failed');
  assert.equal((await askServer(own.address, 'nobody.x.test', 'A')).kind, 'nxdomain');
  assert.equal((await askServer(own.address, 'mx.x.test', 'CNAME')).kind, 'found');
});
