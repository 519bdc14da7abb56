import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSuite } from '@waybill/lab';
import fc from 'fast-check';
import { formatAddress, parseMailbox, readPath } from './address.ts';

const good: [string, string, string][] = [
  ['alice@red.test', 'alice', 'red.test'],
  ['Alice.B+tag@Red.TEST', 'Alice.B+tag', 'red.test'],
  ['"a b"@red.test', 'a b', 'red.test'],
  ['"a@b"@red.test', 'a@b', 'red.test'],
  ['"a\\"\\\\b"@red.test', 'a"\\b', 'red.test'],
  ['"alice"@red.test', 'alice', 'red.test'],
  ['""@red.test', '', 'red.test'],
  ['alice@[192.0.2.1]', 'alice', '[192.0.2.1]'],
  ['alice@[ipv6:2001:DB8::1]', 'alice', '[IPv6:2001:db8::1]'],
  ['alice@bücher.example', 'alice', 'xn--bcher-kva.example'],
  ['jürgen@bücher.example', 'jürgen', 'xn--bcher-kva.example'],
  [`${'a'.repeat(64)}@red.test`, 'a'.repeat(64), 'red.test'],
  ["!#$%&'*+-/=?^_`{|}~@red.test", "!#$%&'*+-/=?^_`{|}~", 'red.test'],
];
for (const [text, local, domain] of good) {
  test(`${text} is an address`, () => assert.deepEqual(parseMailbox(text), { local, domain }));
}

const bad = [
  '',
  '@',
  'alice',
  'alice@',
  '@red.test',
  'a..b@red.test',
  '.a@red.test',
  'a.@red.test',
  'a b@red.test',
  'a@red..test',
  'a@-red.test',
  'a@red-.test',
  'a@red.test.',
  'a@red_x.test',
  'a@b@red.test',
  '"a@red.test',
  '"a"b@red.test',
  '"a\r\nb"@red.test',
  '"a\u0000"@red.test',
  'a\u0001@red.test',
  'a\u0085@red.test',
  'a@[1.2.3]',
  'a@[1.2.3.4',
  'a@[IPv6:zz]',
  'a@[tag:x]',
  'a@[fe80::1%eth0]',
  `${'a'.repeat(65)}@red.test`,
  `${'ü'.repeat(33)}@red.test`,
  `a@${'b'.repeat(64)}.test`,
  `a@${'b.'.repeat(127)}test`,
  'a@bü%63her.test',
];
for (const text of bad) {
  test(`${JSON.stringify(text.slice(0, 40))} is no address`, () =>
    assert.equal(parseMailbox(text), undefined));
}

test('every address survives being written and read again', () => {
  const local = fc.string({
    unit: fc.integer({ min: 32, max: 126 }).map((c) => String.fromCharCode(c)),
    maxLength: 31,
  });
  fc.assert(
    fc.property(local, (name) => {
      const mailbox = { local: name, domain: 'red.test' };
      assert.deepEqual(parseMailbox(formatAddress(mailbox)), mailbox);
    }),
  );
});

test('a path is read to its bracket, and a source route is dropped', () => {
  assert.deepEqual(readPath('<@a.test,@b.test:u@c.test> SIZE=1', 0, false), {
    mailbox: { local: 'u', domain: 'c.test' },
    end: 26,
  });
  assert.deepEqual(readPath('<>', 0, false), { mailbox: undefined, end: 2 });
  assert.deepEqual(readPath('<"a>b"@c.test>', 0, false), {
    mailbox: { local: 'a>b', domain: 'c.test' },
    end: 14,
  });
  assert.deepEqual(readPath('<PostMaster>', 0, true), {
    mailbox: { local: 'postmaster', domain: '' },
    end: 12,
  });
  for (const text of [
    '<postmaster>',
    'a@b.test',
    '<a@b.test',
    '<@a.test>',
    '<@a.test,b:u@c.test>',
    '< a@b.test>',
  ])
    assert.ok('fault' in readPath(text, 0, false), text);
});

test('reading is linear', () => {
  const shapes: readonly ((times: number) => string)[] = [
    (times) => 'a.'.repeat(times),
    (times) => `"${'\\"'.repeat(times)}`,
    (times) => `a@${'b.'.repeat(times)}`,
  ];
  for (const shape of shapes) {
    const few = cost(shape(12_500));
    const many = cost(shape(400_000));
    // 32 times as long: about 32 times the work; it would be 1024 times if each octet looked at all others.
    assert.ok(many < 500 * few, `${few} µs for 12,500, ${many} µs for 400,000`);
  }
});

/** Processor time of reading it, in µs: the best of five, and what is too short to tell as 200. */
function cost(text: string): number {
  const tries = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    parseMailbox(text);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  });
  return Math.max(200, Math.min(...tries));
}

test('the is_email collection of addresses', () => {
  const suite = readSuite('is_email/tests.xml');
  if (suite === undefined) return;
  const cases = suite.split('<test ').slice(1);
  assert.ok(cases.length > 100);
  // What SMTP accepts: plain, not in DNS (we do not ask), or unusual but within RFC 5321.
  const accepted = new Set(['ISEMAIL_VALID_CATEGORY', 'ISEMAIL_DNSWARN', 'ISEMAIL_RFC5321']);
  const differing: string[] = [];
  for (const one of cases) {
    const address = unescapeXml(/<address>([\s\S]*?)<\/address>/.exec(one)?.[1] ?? '');
    const category = /<category>(\w+)/.exec(one)?.[1] ?? '';
    const ours = parseMailbox(address) !== undefined;
    // RFC 5321 §4.1.3 lets `::` stand for two groups or more; one group is read all the same.
    if (one.includes('ISEMAIL_RFC5321_IPV6DEPRECATED')) continue;
    if (ours !== accepted.has(category))
      differing.push(`${JSON.stringify(address)} ${category} ${/<diagnosis>(\w+)/.exec(one)?.[1]}`);
  }
  assert.deepEqual(differing, []);
});

function unescapeXml(text: string): string {
  return (
    text
      .replaceAll(/&#x([0-9A-Fa-f]+);/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&amp;', '&')
      // The collection writes control characters as their pictures.
      .replaceAll(/[\u2400-\u241F]/g, (picture) => String.fromCharCode(picture.charCodeAt(0) - 0x2400))
  );
}
