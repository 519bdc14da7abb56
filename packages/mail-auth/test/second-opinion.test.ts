import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import fc from 'fast-check';
import { authenticate } from 'mailauth';
import { type Names, openSenderChecks } from '../src/index.ts';
import { LETTER, NOW, PUBLIC, signed, valueOf } from './signed-letter.ts';
import { type Zone, type ZoneRecord, ZoneNames } from './zone-names.ts';

/** mailauth, another engine, finds the same in mail made at random: records, signatures, changes on the way. */
const MECHANISMS = [
  'ip4:192.0.2.0/24',
  'ip4:198.51.100.7',
  'ip6:2001:db8::/32',
  'a',
  'mx',
  'a:mail.red.test',
  'include:isp.test',
  'exists:%{i}.ok.test',
  'mx:isp.test/24',
  'a:gone.test',
  'ptr:red.test',
  'nonsense',
];
const mechanism = fc
  .tuple(fc.constantFrom('', '+', '-', '~', '?'), fc.constantFrom(...MECHANISMS))
  .map(([q, m]) => q + m);
const spfRecord = fc
  .tuple(
    fc.array(mechanism, { maxLength: 5 }),
    fc.constantFrom('', ' -all', ' ~all', ' ?all', ' redirect=isp.test'),
  )
  .map(([terms, end]) => `v=spf1 ${terms.join(' ')}${end}`);
const policy = fc.constantFrom('none', 'quarantine', 'reject');
const dmarcRecord = fc.option(
  fc
    .tuple(
      policy,
      fc.constantFrom('', '; sp=none', '; sp=reject', '; np=quarantine'),
      fc.constantFrom('', '; adkim=s', '; aspf=s', '; t=y', '; psd=n', '; psd=y'),
    )
    .map(([p, sp, rest]) => `v=DMARC1; p=${p}${sp}${rest}`),
);

const mail = fc.record({
  address: fc.constantFrom('192.0.2.1', '198.51.100.7', '203.0.113.5', '2001:db8::5', '2001:dba::5'),
  sender: fc.constantFrom('alice@red.test', 'bounce@mail.red.test', 'x@isp.test', 'x@nobody.test'),
  author: fc.constantFrom('alice@red.test', 'alice@news.red.test', 'alice@isp.test'),
  red: spfRecord,
  isp: spfRecord,
  dmarc: dmarcRecord,
  subdomain: dmarcRecord,
  domain: fc.constantFrom('red.test', 'mail.red.test', 'isp.test'),
  pair: fc.constantFrom('rsa' as const, 'ed25519' as const),
  form: fc.constantFrom('simple/simple', 'relaxed/relaxed', 'relaxed/simple', 'simple'),
  body: fc.string({ unit: fc.constantFrom('a', ' ', '\t', '\r\n', '.', 'ü'), maxLength: 40 }),
  change: fc.constantFrom('none', 'none', 'body', 'subject', 'folding', 'trailing lines'),
});

function change(message: string, what: string): string {
  switch (what) {
    case 'body':
      return `${message}more`;
    case 'subject':
      return message.replace('Subject: Hello', 'Subject: Hallo');
    case 'folding':
      return message.replace('Subject: Hello', 'Subject:  Hello ');
    case 'trailing lines':
      return `${message}\r\n\r\n`;
    default:
      return message;
  }
}

describe('mailauth finds the same', () => {
  test('in 400 messages that differ in everything', async () => {
    const passed = { spf: 0, dkim: 0, dmarc: 0 };
    await fc.assert(
      fc.asyncProperty(mail, async (one) => {
        const letter = LETTER.replace('alice@red.test', one.author).replace(
          /\r\n\r\n[^]*$/,
          `\r\n\r\n${one.body}`,
        );
        const message = Buffer.from(
          change(signed(letter, { d: one.domain, c: one.form }, one.pair), one.change),
        );
        const names = new ZoneNames(zoneOf(one));
        const helo = 'mail.red.test';
        const ours = openSenderChecks(names, { hostname: 'mx.blue.test' });
        const spf = await ours.spf({ address: one.address, helo }, one.sender, 'mailfrom');
        const dkim = await ours.dkim([message], NOW);
        const dmarc = await ours.dmarc([valueOf(message.toString(), 'from')], spf, dkim);
        const theirs = await authenticate(message, {
          ip: one.address,
          helo,
          sender: one.sender,
          mta: 'mx.blue.test',
          resolver: resolverOver(names),
          disableArc: true,
          disableBimi: true,
        });
        const said = JSON.stringify({ one, spf, dkim, dmarc });
        assert.equal(spf.result, theirs.spf === false ? 'none' : theirs.spf.status.result, `SPF: ${said}`);
        assert.equal(
          dkim[0]?.result === 'pass',
          theirs.dkim.results[0]?.status.result === 'pass',
          `DKIM: ${said}`,
        );
        const verdict = theirs.dmarc === false ? undefined : theirs.dmarc;
        assert.equal(dmarc.result, verdict?.status.result ?? 'none', `DMARC: ${said}`);
        if (dmarc.result === 'fail') assert.equal(dmarc.policy, verdict?.policy, `DMARC: ${said}`);
        for (const [name, { result }] of Object.entries({ spf, dkim: dkim[0] ?? { result: '' }, dmarc }))
          if (result === 'pass') passed[name as keyof typeof passed]++;
      }),
      { numRuns: 400, seed: 9989 },
    );
    // Agreement on nothing but failures would say little.
    for (const count of Object.values(passed)) assert.ok(count > 40, JSON.stringify(passed));
    console.log(`mailauth agrees on 400 messages; passes among them: ${JSON.stringify(passed)}`);
  });
});

function zoneOf({
  red,
  isp,
  dmarc,
  subdomain,
}: {
  readonly red: string;
  readonly isp: string;
  readonly dmarc: string | null;
  readonly subdomain: string | null;
}): Zone {
  const keys: Record<string, ZoneRecord[]> = {};
  for (const domain of ['red.test', 'mail.red.test', 'isp.test']) {
    keys[`rsa._domainkey.${domain}`] = [['TXT', `v=DKIM1; p=${PUBLIC.rsa}`]];
    keys[`ed25519._domainkey.${domain}`] = [['TXT', `v=DKIM1; k=ed25519; p=${PUBLIC.ed25519}`]];
  }
  return {
    ...keys,
    'red.test': [
      ['TXT', red],
      ['A', '192.0.2.1'],
      ['MX', { preference: 10, exchange: 'mail.red.test' }],
    ],
    'isp.test': [
      ['TXT', isp],
      ['A', '198.51.100.7'],
      ['MX', { preference: 10, exchange: 'mail.red.test' }],
    ],
    'mail.red.test': [
      ['A', '192.0.2.1'],
      ['AAAA', '2001:db8::5'],
      ['TXT', 'v=spf1 a -all'],
    ],
    'news.red.test': [['A', '192.0.2.1']],
    '203.0.113.5.ok.test': [['A', '127.0.0.2']],
    '1.2.0.192.in-addr.arpa': [['PTR', 'mail.red.test']],
    ...(dmarc === null ? {} : { '_dmarc.red.test': [['TXT', dmarc] as const] }),
    ...(subdomain === null ? {} : { '_dmarc.news.red.test': [['TXT', subdomain] as const] }),
  };
}

/** Our names as mailauth asks for them: errors of node:dns, texts in pieces. */
function resolverOver(names: Names): (name: string, type: string) => Promise<string[]> {
  return async (name, type) => {
    const answer = await names.lookup(name, type as 'A');
    if (answer.kind !== 'found')
      throw Object.assign(new Error(answer.kind), { code: answer.kind === 'none' ? 'ENODATA' : 'ENOTFOUND' });
    const records: readonly unknown[] = answer.records;
    return records.map((record) => {
      if (type === 'TXT') return [record];
      if (type !== 'MX') return record;
      const { preference, exchange } = record as { preference: number; exchange: string };
      return { priority: preference, exchange };
    }) as string[];
  };
}
