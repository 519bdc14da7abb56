import assert from 'node:assert/strict';
import test, { after, describe } from 'node:test';
import { type Dkim, type Dmarc, openSenderChecks, type Spf } from '../src/index.ts';
import { CASES, type DmarcCase } from './dmarc-cases.ts';
import { type Zone, type ZoneRecord, ZoneNames } from './zone-names.ts';

function split(text: string): [result: string, domain: string] {
  const colon = text.indexOf(':');
  return colon === -1 ? ['pass', text] : [text.slice(0, colon), text.slice(colon + 1)];
}

function spfOf(text = 'none:'): Spf {
  const [result, domain] = split(text);
  return {
    result: result as Spf['result'],
    domain,
    identity: 'mailfrom',
    mechanism: undefined,
    explanation: undefined,
    lookups: 0,
    comment: 'said by the case',
  };
}

function dkimOf(text: string): Dkim {
  const [result, domain] = split(text);
  return {
    result: result as Dkim['result'],
    domain,
    selector: 's',
    algorithm: 'rsa-sha256',
    testing: false,
    comment: 'said by the case',
  };
}

function zoneOf({ records, exists = [] }: Pick<DmarcCase, 'records' | 'exists'>): Zone {
  const zone: Record<string, ZoneRecord[]> = {};
  for (const [domain, texts] of Object.entries(records))
    zone[`_dmarc.${domain}`] = [texts].flat().map((text) => (text === 'TIMEOUT' ? text : ['TXT', text]));
  for (const name of exists) zone[name] = [['A', '192.0.2.1']];
  return zone;
}

function dmarc(
  names: ZoneNames,
  from: readonly string[],
  spf?: string,
  dkim: readonly string[] = [],
): Promise<Dmarc> {
  return openSenderChecks(names).dmarc(from, spfOf(spf), dkim.map(dkimOf));
}

describe('DMARC', () => {
  let right = 0;
  for (const one of CASES)
    test(one.what, async () => {
      const names = new ZoneNames(zoneOf(one));
      const found = await dmarc(names, [`Alice <alice@${one.from}>`], one.spf, one.dkim);
      const { aligned, ...expected } = one.expect;
      for (const [key, value] of Object.entries(expected))
        assert.equal(found[key as keyof Dmarc], value, `${key}: ${found.comment}`);
      const by = [found.aligned.spf ? 'spf' : '', found.aligned.dkim ? 'dkim' : ''].join(' ').trim();
      assert.equal(by, aligned ?? '');
      assert.equal(found.from, one.from.toLowerCase());
      // A walk of its own for each domain, eight questions each (RFC 9989 §4.10).
      assert.ok(names.asked.length <= 8 * 3 + 2, `${names.asked.length} questions`);
      right++;
    });
  after(() => {
    console.log(`DMARC by RFC 9989: ${right} of ${CASES.length}`);
    assert.equal(right, CASES.length);
  });

  test('asks the names that RFC 9989 lists, each once', async () => {
    const names = new ZoneNames({});
    await dmarc(names, ['a@a.b.c.d.e.f.g.h.i.j.mail.example.com']);
    assert.deepEqual(names.asked, [
      'TXT _dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com',
      'TXT _dmarc.g.h.i.j.mail.example.com',
      'TXT _dmarc.h.i.j.mail.example.com',
      'TXT _dmarc.i.j.mail.example.com',
      'TXT _dmarc.j.mail.example.com',
      'TXT _dmarc.mail.example.com',
      'TXT _dmarc.example.com',
      'TXT _dmarc.com',
    ]);
  });

  test('asks once where the author’s own domain signs', async () => {
    const names = new ZoneNames(zoneOf({ records: { 'red.test': 'v=DMARC1; p=reject' } }));
    await dmarc(names, ['a@red.test'], 'red.test', ['red.test']);
    assert.deepEqual(names.asked, ['TXT _dmarc.red.test']);
  });

  test('a domain that exists by an alias alone exists', async () => {
    const zone: Zone = {
      '_dmarc.red.test': [['TXT', 'v=DMARC1; p=none; np=reject']],
      'www.red.test': [['CNAME', 'gone.test']],
    };
    assert.equal((await dmarc(new ZoneNames(zone), ['a@www.red.test'])).policy, 'none');
  });

  test('whether a subdomain exists is not told: temporary, and no policy', async () => {
    const zone: Zone = {
      '_dmarc.red.test': [['TXT', 'v=DMARC1; p=none; np=reject']],
      'x.red.test': ['TIMEOUT'],
    };
    const found = await dmarc(new ZoneNames(zone), ['a@x.red.test']);
    assert.deepEqual([found.result, found.policy], ['temperror', undefined]);
  });
});

describe('The author’s domain', () => {
  const names = new ZoneNames(
    zoneOf({ records: { 'red.test': 'v=DMARC1; p=reject', 'xn--mnchen-3ya.test': 'v=DMARC1; p=reject' } }),
  );

  for (const [from, domain] of [
    ['alice@red.test', 'red.test'],
    ['Alice <alice@RED.test>', 'red.test'],
    ['"bank@bank.test" <alice@red.test>', 'red.test'],
    ['Alice (bank@bank.test) <alice@red.test>', 'red.test'],
    ['=?utf-8?q?bank=40bank.test?= <alice@red.test>', 'red.test'],
    ['"a@bank.test"@red.test', 'red.test'],
    ['<@relay.test:alice@red.test>', 'red.test'],
    ['alice@red.test, bob@red.test', 'red.test'],
    ['Team: alice@red.test, bob@RED.test;', 'red.test'],
    ['alice@red.test.', 'red.test'],
    ['a@münchen.test', 'xn--mnchen-3ya.test'],
    [Buffer.from('a@münchen.test').toString('latin1'), 'xn--mnchen-3ya.test'],
  ] as const)
    test(`of ${from}`, async () => {
      const found = await dmarc(names, [from]);
      if (from.startsWith('"a@')) assert.equal(found.result, 'permerror');
      else assert.deepEqual([found.from, found.result], [domain, 'fail']);
    });

  for (const [what, fields] of Object.entries({
    'no From': [],
    'an empty From': [''],
    'an empty group': ['Team: ;'],
    'two From fields': ['a@red.test', 'a@red.test'],
    'two domains': ['a@red.test, b@evil.test'],
    'two domains in groups': ['A: a@red.test; B: b@evil.test;'],
    'two addresses in one': ['a@red.test <b@evil.test>'],
    'two signs of at': ['a@red.test@evil.test'],
    'no domain': ['alice'],
    'one author without a domain': ['alice, bob@red.test'],
    'an address literal': ['a@[192.0.2.1]'],
    'a domain that is none': ['a@red..test'],
    'a label that is too long': [`a@${'x'.repeat(64)}.test`],
  }))
    test(`cannot be told with ${what}: permerror, and never a pass`, async () => {
      const found = await dmarc(names, fields, 'red.test', ['red.test', 'evil.test']);
      assert.equal(found.result, 'permerror', JSON.stringify(found));
      assert.equal(found.from, undefined);
      assert.equal(found.policy, undefined);
    });
});
