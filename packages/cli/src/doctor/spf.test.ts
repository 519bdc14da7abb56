import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Inquiry } from '@waybill/dns/inspect';
import { startDns } from '@waybill/lab';
import { nameFault } from './checks/host.ts';
import { isDmarc, isElsewhere, readDmarc } from './dmarc-text.ts';
import { inHostsFile } from './gather.ts';
import { spfReader } from './read-spf.ts';
import { readTerm } from './spf-term.ts';
import { allOf, almostSpf, covering, isSpf, merged } from './spf-text.ts';

/** What the doctor reads out of texts, and out of a tree of SPF records. */
const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());

test('terms of SPF are read as RFC 7208 writes them, and faults are told', () => {
  for (const good of [
    'a',
    '-mx',
    'a/24',
    'mx:red.test/24//64',
    '?include:_spf.red.test',
    'ip4:192.0.2.0/24',
    'ip6:2001:db8::/32',
    '~all',
    'exists:%{i}._spf.red.test',
    'redirect=red.test',
    'exp=why.red.test',
    'x-more=1',
    'ptr',
  ])
    assert.equal(typeof readTerm(good), 'object', good);
  for (const bad of [
    'ipv4:192.0.2.1',
    'ip4:192.0.2',
    'ip4:192.0.2.1/33',
    'ip6:192.0.2.1',
    'include',
    'include:',
    'all:x',
    'a/99',
    'mx//129',
    'include:red.test/24',
    'a:192.0.2.1',
    'redirect=',
    'mx,',
  ])
    assert.equal(typeof readTerm(bad), 'string', bad);
});

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

test('a tree of records is read to its end, whoever would have matched before', async () => {
  const dns = resources.use(
    await startDns({
      zones: `
zone t.test
@    TXT "v=spf1 ip4:192.0.2.1 include:a include:b.t.test -all"
tree TXT "v=spf1 include:a.t.test include:b.t.test ~all"
a    TXT "v=spf1 mx:hosts.t.test a:host.t.test/24 -all"
b    TXT "v=spf1 redirect=c.t.test"
c    TXT "v=spf1 ip6:2001:db8::/32 ?all"
hosts MX 10 host
host A   192.0.2.9
loop TXT "v=spf1 include:loop.t.test -all"
void TXT "v=spf1 a:n1.t.test a:n2.t.test a:n3.t.test -all"
macro TXT "v=spf1 exists:%{i}.t.test -all"
`,
    }),
  );
  const read = (name: string): ReturnType<ReturnType<typeof spfReader>> =>
    spfReader(new Inquiry({ resolvers: [dns.address] }))(`${name}t.test`, 'mail.t.test', [
      '192.0.2.1',
      '192.0.2.77',
      '2001:db8::1',
      '198.51.100.1',
    ]);
  const tree = await read('tree.');
  assert.deepEqual([...tree.results.values()], ['pass', 'pass', 'pass', 'softfail']);
  // include a, its mx and a; include b and its redirect.
  assert.deepEqual([tree.lookups, tree.fault, tree.trouble], [5, undefined, undefined]);
  assert.match((await read('')).fault ?? '', /`include:a` names no domain/);
  assert.ok((await read('loop.')).lookups > 10, 'a loop ends');
  assert.match((await read('void.')).fault ?? '', /lead nowhere/);
  assert.match((await read('macro.')).trouble ?? '', /depends on the message/);
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
