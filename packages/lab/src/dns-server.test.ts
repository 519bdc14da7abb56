import assert from 'node:assert/strict';
import dns from 'node:dns/promises';
import test, { after } from 'node:test';
import { startDns } from './dns-server.ts';

const server = await startDns({
  zones: `
zone red.test
@      MX    10 mx.red.test.
@      MX    20 backup
mx     A     127.0.0.1
mx     AAAA  ::1
mail   CNAME mx
@      TXT   "v=spf1 mx ~all" ; a comment
long   TXT   ${Array.from({ length: 12 }, (_, i) => `"${String.fromCharCode(97 + i).repeat(200)}"`).join(' ')}
a.b    A     127.0.0.9
*.wild A     127.0.0.8
zone servfail.test SERVFAIL
zone nullmx.test
@      MX    0 .
`,
});
after(() => server[Symbol.asyncDispose]());
const resolver = new dns.Resolver({ timeout: 2000, tries: 1 });
resolver.setServers([server.address]);

test('records come back as they stand in the zone', async () => {
  const mx = (await resolver.resolveMx('red.test')).toSorted((a, b) => a.priority - b.priority);
  assert.deepEqual(
    mx.map((one) => [one.priority, one.exchange]),
    [
      [10, 'mx.red.test'],
      [20, 'backup.red.test'],
    ],
  );
  assert.deepEqual(await resolver.resolve4('mx.red.test'), ['127.0.0.1']);
  assert.deepEqual(await resolver.resolve6('MX.red.test'), ['::1']);
  assert.deepEqual(await resolver.resolveTxt('red.test'), [['v=spf1 mx ~all']]);
  assert.deepEqual(await resolver.resolve4('x.wild.red.test'), ['127.0.0.8']);
});

test('an alias is followed', async () => {
  assert.deepEqual(await resolver.resolve4('mail.red.test'), ['127.0.0.1']);
});

test('an answer too long for UDP comes over TCP', async () => {
  assert.equal((await resolver.resolveTxt('long.red.test'))[0]?.join('').length, 2400);
});

test('what is missing is told apart: no such name, no such record, a broken zone, null MX', async () => {
  await assert.rejects(resolver.resolve4('nobody.red.test'), { code: 'ENOTFOUND' });
  await assert.rejects(resolver.resolve4('elsewhere.example'), { code: 'ENOTFOUND' });
  await assert.rejects(resolver.resolve4('b.red.test'), { code: 'ENODATA' });
  await assert.rejects(resolver.resolveMx('servfail.test'), { code: 'ESERVFAIL' });
  assert.deepEqual(
    (await resolver.resolveMx('nullmx.test')).map((one) => one.exchange),
    [''],
  );
});

test('zones can be exchanged while it runs', async () => {
  server.setZones('zone new.test\n@ A 127.0.0.7');
  assert.deepEqual(await resolver.resolve4('new.test'), ['127.0.0.7']);
  assert.throws(() => server.setZones('zone new.test\n@ LOC 1'), /line 2: unknown record type LOC/);
});
