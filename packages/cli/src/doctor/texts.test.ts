import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Inquiry } from '@waybill/dns/inspect';
import { startDns } from '@waybill/lab';
import { nameFault } from './checks/host.ts';
import { isDmarc, isElsewhere, readDmarc } from './dmarc-text.ts';
import { inHostsFile } from './gather.ts';
import { spfReader } from './read-spf.ts';
import { allOf, almostSpf, covering, isSpf, merged } from './spf-text.ts';

/** What the doctor reads out of texts, and out of a tree of SPF records. */
const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());

test('several records become one that lets no more pass', () => {
  assert.ok(isSpf('v=spf1') && isSpf('V=SPF1 -all') && !isSpf('v=spf10') && !isSpf('v=spf1;mx'));
  assert.ok(
    almostSpf('v=spf1;mx') && almostSpf('"v=spf1 mx"') && !almostSpf('v=spf1 mx') && !almostSpf('v=DMARC1'),
  );
  assert.equal(merged(['v=spf1 mx ~all', 'v=spf1 +mx a:b.test -all']), 'v=spf1 mx a:b.test -all');
  assert.equal(merged(['v=spf1 redirect=b.test']), 'v=spf1 mx include:b.test ~all');
  assert.equal(
    covering('v=spf1 a -all', ['192.0.2.1', '2001:db8::1'], false),
    'v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 a -all',
  );
  assert.equal(allOf('v=spf1 ALL'), '+');
});

test('a tree of records is read with the answers of the zone’s own servers', async () => {
  const zones = (address: string): string => `
zone t.test
@    NS  ns
ns   A   127.0.0.53
@    TXT "v=spf1 include:a.t.test ~all"
a    TXT "v=spf1 a:host.t.test/24 ip6:2001:db8::/32 -all"
host A   ${address}
`;
  const [own, old] = [
    resources.use(await startDns({ zones: zones('192.0.2.9') })),
    resources.use(await startDns({ zones: zones('203.0.113.9') })),
  ];
  const inquiry = new Inquiry({
    resolvers: [old.address],
    place: () => ({ host: '127.0.0.1', port: own.port }),
  });
  const addresses = ['192.0.2.77', '2001:db8::1', '203.0.113.9'];
  const read = await spfReader(inquiry)('t.test', 'mail.t.test', addresses);
  assert.deepEqual([...read.results.values()], ['pass', 'pass', 'softfail']);
  assert.deepEqual([read.lookups, read.fault, read.trouble], [2, undefined, undefined]);
});

test('DMARC is read with its faults; reports within the organisation need no consent', () => {
  assert.ok(isDmarc('v = DMARC1 ;p=none') && !isDmarc('V=DMARC1;') && !isDmarc('p=none; v=DMARC1'));
  const read = readDmarc('v=DMARC1; p=reject; rua=mailto:a@x.test!10m, mailto:b@Y.test; ruf=mailto:c@x.test');
  assert.deepEqual([read.faults, read.reportDomains, read.policy], [[], ['x.test', 'y.test'], 'reject']);
  assert.equal(readDmarc('v=DMARC1; p=none; sp=nothing; adkim=x').faults.length, 2);
  assert.ok(
    isElsewhere('red.test', 'blue.test') &&
      !isElsewhere('red.test', 'a.red.test') &&
      !isElsewhere('a.red.test', 'red.test'),
  );
});

test('names that no mail host can have', () => {
  for (const bad of [
    'localhost',
    'localhost.localdomain',
    'mail',
    '4f2b1c9d8e7a',
    'mail.red.test.',
    '192.0.2.1',
    '[192.0.2.1]',
    'mail_1.red.test',
    'box.local',
    'mx.default.svc',
    '-a.red.test',
  ])
    assert.notEqual(nameFault(bad), undefined, bad);
  for (const good of ['mail.red.test', 'MX1.Red.Test', 'a.b-c.example'])
    assert.equal(nameFault(good), undefined, good);
});

test('a line of the hosts file counts for each of its names', () => {
  const file = '# none\n127.0.0.1 localhost\n127.0.1.1\tmail.red.test mail # mail.blue.test\n';
  assert.deepEqual(inHostsFile(file, 'mail.red.test'), ['127.0.1.1']);
  assert.deepEqual(inHostsFile(file, 'mail.blue.test'), []);
});
