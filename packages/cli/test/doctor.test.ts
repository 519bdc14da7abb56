import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startDns, startSmtpHost } from '@waybill/lab';
import { closedPort, goodGroups, reports, ScriptedWorld, unwell, zoneText } from './doctor/scripted-world.ts';

/** `waybill doctor red.test` and `waybill domain records red.test`, as a person uses them. */
const world = await ScriptedWorld.open();
after(() => world[Symbol.asyncDispose]());

const ADDRESS = '192.0.2.25';
const AROUND = `
zone test
@ NS ns
ns A 127.0.0.52
zone 2.0.192.in-addr.arpa
25 PTR mail.red.test.
`;
const NS = '@ NS ns\nns A 127.0.0.53';
const good = { ...goodGroups('red.test', ADDRESS), ns: NS };
const HOST = { WAYBILL_HOSTNAME: 'mail.red.test' };

/** Everything about the name servers: `own` serves the zones, `resolver` is asked for all. */
function servers(own: string, resolver = own): NodeJS.ProcessEnv {
  return {
    ...HOST,
    WAYBILL_DNS_SERVERS: resolver,
    WAYBILL_LAB_PORT_MAP: `127.0.0.53:53=${own},127.0.0.52:53=${own}`,
  };
}

test('an MX to an alias is told with its fix, for people', async () => {
  const dns = await world.dns(
    AROUND + zoneText('red.test', { ...good, mx: '@ MX 10 mx', more: 'mx CNAME mail' }),
  );
  const { code, out } = await world.waybill(['doctor', 'red.test', '--no-network'], servers(dns));
  assert.equal(code, 4);
  assert.match(out, /^FIX {2}MX-2 /m);
  assert.match(
    out,
    /`mx\.red\.test` is a CNAME to `mail\.red\.test`\. RFC 2181 10\.3 forbids this and some senders refuse\./,
  );
  assert.match(out, /do: {5}Point MX at `mail\.red\.test` or give `mx\.red\.test` its own A record\./);
  assert.match(out, /panel: {2}Name @, Type MX, Priority 10, Value mail\.red\.test$/m);
  assert.match(out, /zone: {3}red\.test\. 3600 IN MX 10 mail\.red\.test\.$/m);
  assert.ok(!out.includes('\u001B['), 'no colours where there is no terminal');
});

test('what `domain records` prints, published as it is, turns the doctor green', async () => {
  const bare = await world.dns(`${AROUND}\nzone red.test\n${NS}`);
  const args = ['domain', 'records', 'red.test', '--address', ADDRESS];
  const [zone, json] = await Promise.all([
    world.waybill([...args, '--format', 'zone'], servers(bare)),
    world.waybill([...args, '--format', 'json'], servers(bare)),
  ]);
  assert.equal(zone.code, 0);
  assert.equal(zone.err, '');
  const { records } = JSON.parse(json.out) as { records: { where: string; zone: string }[] };
  const reverse = records.filter(({ where }) => where === 'address').map((one) => one.zone);
  const certificate = await world.authority.issue(['mail.red.test']);
  const mx = world.use(
    await startSmtpHost({
      tls: { cert: certificate.certificate, key: certificate.key },
      script: ({ phase }) =>
        phase === 'greeting'
          ? '220 mail.red.test ESMTP'
          : phase === 'rcpt'
            ? '550 5.7.1 No relay'
            : undefined,
    }),
  );
  const published = await world.dns(
    `zone test\n@ NS ns\nns A 127.0.0.52\n${zone.out}\n${NS}\nzone 2.0.192.in-addr.arpa\n${reverse.join('\n')}\n`,
  );
  const { code, out } = await world.waybill(['doctor', 'red.test', '--json', '--outbound', 'red.test'], {
    ...servers(published),
    WAYBILL_LAB_PORT_MAP: `127.0.0.53:53=${published},127.0.0.52:53=${published},${ADDRESS}:25=127.0.0.1:${mx.port}`,
    WAYBILL_OPS: await world.ops(0),
  });
  const report = reports(out).get('red.test');
  const dark = report?.results
    .filter(({ verdict }) => verdict !== 'ok')
    .map(({ id, means }) => `${id}: ${means}`);
  assert.deepEqual(dark, []);
  assert.equal(code, 0);
  assert.match(report?.results.find(({ id }) => id === 'DMARC-4')?.next ?? '', /p=quarantine/);
});

test('records come in shapes to paste: whole for panels, split for zones, a PTR with whom to ask', async () => {
  const dns = await world.dns(`${AROUND}\nzone red.test\n${NS}`);
  const args = ['domain', 'records', 'red.test', '--address', ADDRESS, '--address', '2001:db8::25'];
  const table = await world.waybill([...args, '--services', 'submissions,imaps:1993'], servers(dns));
  assert.match(table.out, /^ {2}r1\._domainkey +TXT +v=DKIM1; k=rsa; p=\S+$/m);
  assert.match(table.out, /in strings of at most 255: "v=DKIM1[^"]{248}" "[^"]+"$/m);
  assert.match(table.out, /At the owner of each address \(the provider of the server\): reverse DNS:/);
  assert.match(table.out, /25\.2\.0\.192\.in-addr\.arpa\. +PTR +mail\.red\.test/);
  assert.match(table.out, /_imaps\._tcp +SRV +0 +1 1993 mail\.red\.test/);
  assert.match(table.out, /_pop3s\._tcp +SRV +0 +0 0 \.$/m);
  assert.match(table.out, /p=quarantine, and later p=reject/);
  assert.ok(!table.out.includes('r0._domainkey'), 'a retired key need not be published');
  const elsewhere = await world.waybill(
    [...args, '--host', 'mx.other.test', '--format', 'zone'],
    servers(dns),
  );
  assert.match(elsewhere.out, /^@ +IN MX +10 mx\.other\.test\.$/m);
  assert.match(
    elsewhere.out,
    /^; mx\.other\.test\. 3600 IN A 192\.0\.2\.25$/m,
    'it belongs into another zone',
  );
});

test('where the zone is new and the resolver’s cache old, both are said', async () => {
  const old = await world.dns(
    AROUND + zoneText('red.test', { ...good, mx: '@ 2460 IN MX 10 before', more: `before A ${ADDRESS}` }),
  );
  const now = await world.dns(AROUND + zoneText('red.test', good));
  const { out } = await world.waybill(['doctor', 'red.test', '--json', '--no-network'], servers(now, old));
  const report = reports(out).get('red.test');
  assert.ok(report);
  assert.deepEqual(unwell(report), []);
  assert.match(
    report.results.find(({ id }) => id === 'MX-1')?.notes.join() ?? '',
    /MX of red\.test: the new value is live; the old one is cached at 127\.0\.0\.1:\d+ up to 41 min: 10 before\.red\.test/,
  );
});

test('where the zone’s own servers are out of reach, the resolver’s word is taken, and that is said', async () => {
  const dns = await world.dns(AROUND + zoneText('red.test', good));
  const nowhere = `127.0.0.1:${await closedPort()}`;
  const { code, out } = await world.waybill(
    ['doctor', 'red.test', '--json', '--no-network'],
    servers(nowhere, dns),
  );
  const report = reports(out).get('red.test');
  assert.match(
    report?.results.find(({ id }) => id === 'ZONE-1')?.means ?? '',
    /^None of the zone’s own servers can be asked from here \(ns\.red\.test/,
  );
  assert.equal(code, 0);
});

test('a name that cannot be a mail host’s is told: HOST-1', async () => {
  const dns = await world.dns(AROUND + zoneText('red.test', good));
  const { out } = await world.waybill(['doctor', 'red.test', '--json', '--no-network'], {
    ...servers(dns),
    WAYBILL_HOSTNAME: 'localhost',
  });
  const report = reports(out).get('red.test');
  assert.ok(report);
  assert.deepEqual(unwell(report), ['HOST-1 fix']);
  assert.equal(
    report.results.find(({ id }) => id === 'HOST-1')?.fix?.text,
    'Set WAYBILL_HOSTNAME=mail.red.test; this is the machine, your addresses stay @red.test.',
  );
});

test('an address that is not ours, and one that lacks in the DNS: HOST-2', async () => {
  const dns = await world.dns(`${AROUND}26 PTR mail.red.test.\n${zoneText('red.test', good)}`);
  const at = (...addresses: string[]): Promise<{ out: string }> =>
    world.waybill(
      ['doctor', 'red.test', '--json', '--no-network', ...addresses.flatMap((one) => ['--address', one])],
      servers(dns),
    );
  const [strange, missing] = await Promise.all([at('192.0.2.26'), at(ADDRESS, '192.0.2.26')]);
  const host = (out: string): string | undefined =>
    reports(out)
      .get('red.test')
      ?.results.find(({ id }) => id === 'HOST-2')?.fix?.text;
  assert.equal(host(strange.out), 'Replace it by `A 192.0.2.26` for mail.red.test.');
  assert.equal(host(missing.out), 'Add `A 192.0.2.26` for mail.red.test.');
  // The name of that address leads to the other one.
  const report = reports(missing.out).get('red.test');
  assert.match(report?.results.find(({ id }) => id === 'PTR-1')?.means ?? '', /does not lead back/);
});

test('exit codes: 3 a domain that does not exist, 2 no domain said, and without auth the rest is still told', async () => {
  const dns = await world.dns(AROUND + zoneText('red.test', good));
  const env = servers(dns);
  const [missing, alone, ours, nobody] = await Promise.all([
    world.waybill(['doctor', 'rde.test', '--no-network'], env),
    world.waybill(['doctor', 'red.test', '--json', '--no-network'], {
      ...env,
      WAYBILL_AUTH_CA_FILE: undefined,
    }),
    world.waybill(['doctor', '--json', '--no-network'], env),
    world.waybill(['doctor'], { ...env, WAYBILL_AUTH_CA_FILE: undefined }),
  ]);
  assert.equal(missing.code, 3);
  assert.match(missing.err, /rde\.test does not exist in the DNS/);
  assert.equal(nobody.code, 2);
  const report = reports(alone.out).get('red.test');
  assert.equal(report?.results.find(({ id }) => id === 'DKIM-1')?.verdict, 'cannot tell');
  assert.equal(report?.results.find(({ id }) => id === 'MX-1')?.verdict, 'ok');
  assert.deepEqual([...reports(ours.out).keys()], ['red.test'], 'without a domain: all of the directory');
});

test('--watch looks again until all is good, and prints only what changed', async () => {
  const bad = AROUND + zoneText('red.test', { ...good, dmarc: '' });
  await using dns = await startDns({ zones: bad });
  const env = { ...servers(dns.address), WAYBILL_OPS: `127.0.0.1:${await closedPort()}` };
  const { code, out } = await world.waybill(
    ['doctor', 'red.test', '--no-network', '--watch', '--interval', '0'],
    env,
    // As soon as the mistake is told, it is mended.
    () => dns.setZones(AROUND + zoneText('red.test', good)),
  );
  assert.equal(code, 0);
  const [first = '', ...later] = out.split(/\n\d{4}-\d\d-\d\dT[\d:]+Z\n/);
  assert.match(first, /^FIX {2}DMARC-1/m);
  assert.match(later.join(''), /^ok {3}DMARC-1/m);
  assert.ok(!later.join('').includes('MX-1'), 'what did not change is not repeated');
  assert.match(out, /red\.test: all good/);
});

test('a domain below another one may live by its DMARC, and send reports to its sister', async () => {
  const dns = await world.dns(
    `${AROUND}\n26 PTR mail.sub.red.test.\n27 PTR mail.sister.red.test.\n` +
      zoneText('red.test', { ...good, dmarc: '_dmarc TXT "v=DMARC1; p=reject"' }) +
      zoneText('sub.red.test', { ...goodGroups('sub.red.test', '192.0.2.26'), dmarc: '', ns: '' }) +
      zoneText('sister.red.test', {
        ...goodGroups('sister.red.test', '192.0.2.27'),
        dmarc: '_dmarc TXT "v=DMARC1; p=reject; rua=mailto:d@sub.red.test"',
        ns: '',
      }),
  );
  const { WAYBILL_HOSTNAME: _, ...env } = servers(dns);
  const { code, out } = await world.waybill(
    ['doctor', 'sub.red.test', 'sister.red.test', '--json', '--no-network'],
    env,
  );
  const all = reports(out);
  assert.deepEqual([...all.values()].map(unwell), [[], []]);
  assert.equal(code, 0);
  assert.equal(
    all.get('sub.red.test')?.results.find(({ id }) => id === 'DMARC-1')?.means,
    'That of `red.test` counts for it.',
  );
});
