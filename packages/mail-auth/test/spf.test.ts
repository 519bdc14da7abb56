import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { openSenderChecks, readSpfTree, type Spf } from '../src/index.ts';
import { type Zone, ZoneNames } from './zone-names.ts';

const text = (record: string) => [['TXT', record]] as const;

function spf(zone: Zone, sender = 'alice@red.test', address: string | undefined = '192.0.2.1'): Promise<Spf> {
  return openSenderChecks(new ZoneNames(zone)).spf({ address, helo: 'mail.red.test' }, sender, 'mailfrom');
}

describe('SPF says', () => {
  test('which term let the client in, and what that cost', async () => {
    const found = await spf({
      'red.test': text('v=spf1 a include:isp.test ?all'),
      'isp.test': text('v=spf1 ip4:192.0.2.0/24 -all'),
    });
    assert.equal(found.result, 'pass');
    assert.equal(found.mechanism, 'include:isp.test');
    assert.equal(found.lookups, 2);
    assert.equal(found.domain, 'red.test');
    assert.equal(found.identity, 'mailfrom');
  });

  test('of the null sender what it says of HELO', async () => {
    const found = await spf({ 'mail.red.test': text('v=spf1 -all') }, '');
    assert.deepEqual([found.result, found.domain, found.identity], ['fail', 'mail.red.test', 'helo']);
  });

  test('nothing of a client whose address is hidden, and asks nobody', async () => {
    const names = new ZoneNames({ 'red.test': text('v=spf1 -all') });
    const client = { address: undefined, helo: 'x.test' };
    const found = await openSenderChecks(names).spf(client, 'a@red.test', 'mailfrom');
    assert.equal(found.result, 'none');
    assert.deepEqual(names.asked, []);
  });

  test('nothing of what is no domain', async () => {
    for (const sender of [
      'a@[192.0.2.1]',
      'a@localhost',
      'a@red..test',
      'a@',
      'a@x y.test',
      `a@${'x'.repeat(64)}.test`,
    ])
      assert.equal((await spf({}, sender)).result, 'none', sender);
  });

  test('of a domain in U-labels what its A-labels say', async () => {
    const found = await spf({ 'xn--mnchen-3ya.test': text('v=spf1 -all') }, 'a@MÜNCHEN.test');
    assert.deepEqual([found.result, found.domain], ['fail', 'xn--mnchen-3ya.test']);
  });

  test('the same of an IPv4 address in IPv6', async () => {
    assert.equal(
      (await spf({ 'red.test': text('v=spf1 ip4:192.0.2.1 -all') }, 'a@red.test', '::ffff:192.0.2.1')).result,
      'pass',
    );
  });
});

describe('SPF is bounded', () => {
  test('ten look-ups are allowed, the eleventh is a permerror', async () => {
    const record = (count: number): Zone => ({
      'red.test': text(`v=spf1${' include:isp.test'.repeat(count)} +all`),
      'isp.test': text('v=spf1 -all'),
    });
    assert.equal((await spf(record(10))).result, 'pass');
    const over = await spf(record(11));
    assert.deepEqual([over.result, over.lookups], ['permerror', 11]);
  });

  test('two look-ups in vain are allowed, the third is a permerror', async () => {
    assert.equal((await spf({ 'red.test': text('v=spf1 a:x.test a:y.test +all') })).result, 'pass');
    assert.equal(
      (await spf({ 'red.test': text('v=spf1 a:x.test a:y.test a:z.test +all') })).result,
      'permerror',
    );
  });

  test('a record that includes itself ends', async () => {
    const found = await spf({ 'red.test': text('v=spf1 include:red.test -all') });
    assert.equal(found.result, 'permerror');
  });

  test('DNS that does not say is temporary, wherever it is asked', async () => {
    for (const zone of [
      { 'red.test': ['TIMEOUT'] },
      { 'red.test': text('v=spf1 include:isp.test +all'), 'isp.test': ['TIMEOUT'] },
      { 'red.test': text('v=spf1 redirect=isp.test'), 'isp.test': ['TIMEOUT'] },
      { 'red.test': text('v=spf1 a:isp.test +all'), 'isp.test': ['TIMEOUT'] },
      { 'red.test': text('v=spf1 mx:isp.test +all'), 'isp.test': ['TIMEOUT'] },
    ] satisfies Zone[])
      assert.equal((await spf(zone)).result, 'temperror');
  });

  test('a look-up that never ends is temporary when the time is over', async () => {
    const silent = { lookup: () => new Promise<never>(() => undefined) };
    const client = { address: '192.0.2.1', helo: 'x.test' };
    const found = await openSenderChecks(silent, { timeMs: 1 }).spf(client, 'a@red.test', 'mailfrom');
    assert.deepEqual([found.result, found.comment], ['temperror', 'no answer in time']);
  });

  test('a record of a hundred thousand terms, and macros without end, are read in time', async () => {
    const began = performance.now();
    for (const record of [
      `v=spf1${' ip4:192.0.2.7'.repeat(100_000)} +all`,
      `v=spf1${' ip4:192.0.2.7'.repeat(500)} -all`,
      `v=spf1 a:${'%{l1r-}.'.repeat(900)}test -all`,
      `v=spf1 exists:%{l${'.'.repeat(8000)}}.test -all`,
      `v=spf1 a:${'%{l1r-}.'.repeat(50_000)}test`,
      `v=spf1 a:${'%'.repeat(300_000)}`,
      `v=spf1 a:x.test${'/1'.repeat(100_000)}`,
      `v=spf1 ${'x'.repeat(300_000)}`,
      `v=spf1 exists:%{l${'.'.repeat(300_000)}}.test`,
    ])
      assert.notEqual(
        (await spf({ 'red.test': text(record) }, `${'a-'.repeat(30)}@red.test`)).result,
        'pass',
      );
    assert.ok(performance.now() - began < 2000);
  });
});

describe('The owner’s words', () => {
  const explained = (words: string): Promise<Spf> =>
    spf({ 'red.test': text('v=spf1 -all exp=why.red.test'), 'why.red.test': text(words) });

  test('come with what they name', async () => {
    assert.equal(
      (await explained('%{i} may not, says %{d}')).explanation,
      '192.0.2.1 may not, says red.test',
    );
  });

  test('are one line of ASCII, of 255 characters at most', async () => {
    assert.equal((await explained('a\r\nRCPT TO:<x@y>\0')).explanation, 'a  RCPT TO:<x@y>');
    assert.equal((await explained('Grüße')).explanation, undefined);
    assert.equal((await explained('x'.repeat(5000))).explanation?.length, 255);
  });

  test('are none where they are wrong, twice there, not told, or not for a fail', async () => {
    assert.equal((await explained('%{z}')).explanation, undefined);
    assert.equal((await explained('')).explanation, undefined);
    const twice: Zone = {
      'why.red.test': [
        ['TXT', 'a'],
        ['TXT', 'b'],
      ],
    };
    assert.equal(
      (await spf({ 'red.test': text('v=spf1 -all exp=why.red.test'), ...twice })).explanation,
      undefined,
    );
    const silent: Zone = { 'why.red.test': ['TIMEOUT'] };
    const found = await spf({ 'red.test': text('v=spf1 -all exp=why.red.test'), ...silent });
    assert.deepEqual([found.result, found.explanation], ['fail', undefined]);
    assert.equal(
      (await spf({ 'red.test': text('v=spf1 ~all exp=why.red.test'), 'why.red.test': text('x') }))
        .explanation,
      undefined,
    );
  });
});

describe('For the owner', () => {
  const tree = (zone: Zone, addresses: readonly string[] = ['192.0.2.1']) =>
    readSpfTree(new ZoneNames(zone), 'red.test', addresses, 'mail.red.test');

  test('all terms are counted, also behind the one that matches', async () => {
    const found = await tree(
      {
        'red.test': text('v=spf1 ip4:192.0.2.1 mx include:isp.test -all'),
        'isp.test': [...text('v=spf1 a ptr include:cloud.test ?all'), ['A', '192.0.2.77']],
        'cloud.test': text('v=spf1 ip6:2001:db8::/32 exists:%{i}.x.test -all'),
      },
      ['192.0.2.1', '2001:db8::5', '198.51.100.1', 'nonsense'],
    );
    assert.equal(found.lookups, 6);
    assert.equal(found.fault, undefined);
    assert.deepEqual(Object.fromEntries(found.results), {
      '192.0.2.1': 'pass',
      '2001:db8::5': 'pass',
      '198.51.100.1': 'fail',
      nonsense: 'none',
    });
    assert.deepEqual(
      found.steps.filter(({ costs }) => costs).map(({ domain, term, depth }) => `${depth} ${domain} ${term}`),
      [
        '0 red.test mx',
        '0 red.test include:isp.test',
        '1 isp.test a',
        '1 isp.test ptr',
        '1 isp.test include:cloud.test',
        '2 cloud.test exists:%{i}.x.test',
      ],
    );
  });

  for (const [what, zone, fault] of [
    [
      'too many look-ups',
      { 'red.test': text(`v=spf1 ip4:192.0.2.1${' a:x.test'.repeat(11)} -all`) },
      /11 terms need a look-up/,
    ],
    [
      'more than one record',
      { 'red.test': [...text('v=spf1 -all'), ...text('v=spf1 mx -all')] },
      /more than one SPF record/,
    ],
    ['a mistake', { 'red.test': text('v=spf1 ipv4:192.0.2.1 -all') }, /syntax error in ipv4:192\.0\.2\.1/],
    [
      'a mistake further down',
      { 'red.test': text('v=spf1 include:isp.test -all'), 'isp.test': text('v=spf1 ip4: -all') },
      /SPF record of isp\.test: syntax error/,
    ],
    [
      'an inclusion of nothing',
      { 'red.test': text('v=spf1 include:gone.test -all') },
      /include:gone\.test: gone\.test has no SPF record/,
    ],
    [
      'an inclusion of itself',
      {
        'red.test': text('v=spf1 ip4:192.0.2.1 include:isp.test'),
        'isp.test': text('v=spf1 redirect=red.test'),
      },
      /red\.test includes itself/,
    ],
  ] as [string, Zone, RegExp][])
    test(`${what} is a fault, whoever sends`, async () => {
      assert.match((await tree(zone)).fault ?? '', fault);
    });

  test('what DNS does not say is trouble, no fault', async () => {
    const found = await tree({ 'red.test': text('v=spf1 include:isp.test -all'), 'isp.test': ['TIMEOUT'] });
    assert.deepEqual([found.fault, found.trouble?.includes('isp.test')], [undefined, true]);
    assert.equal(found.results.get('192.0.2.1'), 'temperror');
  });

  test('a hostile tree ends', async () => {
    const zone: Record<string, readonly (readonly ['TXT', string])[]> = {};
    for (let i = 0; i < 200; i++)
      zone[`n${i}.test`] = text(`v=spf1${` include:n${i + 1}.test`.repeat(20)} -all`);
    const began = performance.now();
    const found = await readSpfTree(new ZoneNames(zone), 'n0.test', ['192.0.2.1'], 'x.test');
    assert.match(found.fault ?? '', /terms need a look-up/);
    assert.ok(performance.now() - began < 2000);
  });
});
