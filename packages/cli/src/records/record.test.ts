import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseServices } from './client-services.ts';
import { chunks, panelLine, quotedChunks, relativeName, reverseName, zoneLine } from './record.ts';
import { readDomain } from './site-options.ts';

test('texts are cut into strings of at most 255 octets, never inside a character', () => {
  assert.deepEqual(
    chunks('a'.repeat(600)).map(({ length }) => length),
    [255, 255, 90],
  );
  assert.deepEqual(chunks(''), ['']);
  const umlauts = chunks(`x${'ü'.repeat(200)}`);
  assert.ok(umlauts.every((one) => Buffer.byteLength(one) <= 255 && !one.includes('�')));
  assert.equal(umlauts.join(''), `x${'ü'.repeat(200)}`);
  assert.equal(quotedChunks('a "b" \\'), '"a \\"b\\" \\\\"');
});

test('names are relative for panels and absolute for zones', () => {
  assert.equal(relativeName('red.test', 'red.test'), '@');
  assert.equal(relativeName('mail.red.test', 'red.test'), 'mail');
  assert.equal(relativeName('mail.colored.test', 'red.test'), 'mail.colored.test');
  const mx = { name: 'red.test', type: 'MX', priority: 10, value: 'mail.red.test' } as const;
  assert.equal(panelLine(mx, 'red.test'), 'Name @, Type MX, Priority 10, Value mail.red.test');
  assert.equal(zoneLine(mx), 'red.test. 3600 IN MX 10 mail.red.test.');
  const none = {
    name: '_pop3s._tcp.red.test',
    type: 'SRV',
    priority: 0,
    weight: 0,
    port: 0,
    value: '',
  } as const;
  assert.equal(zoneLine(none), '_pop3s._tcp.red.test. 3600 IN SRV 0 0 0 .');
});

test('the reverse name of an address', () => {
  assert.equal(reverseName('192.0.2.25'), '25.2.0.192.in-addr.arpa');
  assert.equal(
    reverseName('2001:db8::567:89ab'),
    'b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
  );
  assert.equal(reverseName('::ffff:192.0.2.1').length, 72);
  assert.throws(() => reverseName('mail.red.test'), RangeError);
});

test('services are named with their port where it is another; those that are not named are not offered', () => {
  const services = parseServices('imaps, submissions:1465');
  assert.deepEqual(
    services.filter(({ port }) => port !== undefined),
    [
      { label: '_submissions', port: 1465 },
      { label: '_imaps', port: 993 },
    ],
  );
  assert.equal(services.length, 5);
  for (const bad of ['smtp', 'imaps:0', 'imaps:x', 'imaps:70000'])
    assert.throws(() => parseServices(bad), /services/);
});

test('a domain is read in its plain form, and what is none is refused', () => {
  assert.equal(readDomain('Red.Test.'), 'red.test');
  assert.equal(readDomain('bücher.example'), 'xn--bcher-kva.example');
  for (const bad of [
    '',
    'red',
    '192.0.2.1',
    'http://red.test',
    'a b.test',
    'ann@red.test',
    'red.test:25',
    'red..test',
  ])
    assert.throws(() => readDomain(bad), /is not a domain/, bad);
});
