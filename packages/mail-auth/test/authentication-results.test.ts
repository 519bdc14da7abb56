import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import fc from 'fast-check';
import {
  authenticationResults,
  type Dkim,
  type Identities,
  isOwnAuthenticationResults,
  type ResultFacts,
  type Spf,
} from '../src/index.ts';
import { valueOf } from './signed-letter.ts';

const SPF: Spf = {
  result: 'pass',
  domain: 'red.test',
  identity: 'mailfrom',
  mechanism: 'mx',
  explanation: undefined,
  lookups: 1,
  comment: 'fine',
};
const DKIM: Dkim = {
  result: 'pass',
  domain: 'red.test',
  selector: 'red1',
  algorithm: 'rsa-sha256',
  testing: false,
  signature: 'AbC+/=x1',
  comment: '2048-bit key',
};
const FACTS: ResultFacts = {
  address: '192.0.2.1',
  iprev: { result: 'pass', name: 'mail.red.test', comment: '' },
  helo: { ...SPF, identity: 'helo' },
  spf: SPF,
  dkim: [DKIM],
  dmarc: {
    result: 'pass',
    from: 'red.test',
    policyDomain: 'red.test',
    policy: 'reject',
    aligned: { spf: true, dkim: true },
    comment: '',
  },
};
const WHO: Identities = { sender: 'alice@red.test', helo: 'mail.red.test' };
const written = (facts: Partial<ResultFacts> = {}, who: Partial<Identities> = {}): string =>
  authenticationResults('mx.blue.test', { ...FACTS, ...facts }, { ...WHO, ...who });

describe('Authentication-Results', () => {
  test('say what was found, one result a line', () => {
    assert.equal(
      written(),
      'Authentication-Results: mx.blue.test;\r\n' +
        '\tiprev=pass (mail.red.test) policy.iprev=192.0.2.1;\r\n' +
        '\tspf=pass smtp.helo=mail.red.test;\r\n' +
        '\tspf=pass smtp.mailfrom=alice@red.test;\r\n' +
        '\tdkim=pass header.d=red.test header.s=red1 header.a=rsa-sha256 header.b="AbC+/=x1";\r\n' +
        '\tdmarc=pass header.from=red.test policy.dmarc=reject\r\n',
    );
  });

  test('say why where something did not pass', () => {
    const text = written({
      address: '2001:db8::1',
      iprev: { result: 'fail', name: undefined, comment: 'the address has no name' },
      spf: { ...SPF, result: 'fail', comment: 'red.test does not let it' },
      dkim: [{ ...DKIM, result: 'fail', comment: 'the body was changed', testing: true }],
      dmarc: { ...FACTS.dmarc, result: 'fail', comment: 'nobody speaks for it' },
    });
    assert.match(text, /iprev=fail \(the address has no name\) policy\.iprev="2001:db8::1";/);
    assert.match(text, /spf=fail \(red\.test does not let it\) smtp\.mailfrom=alice@red\.test;/);
    assert.match(text, /dkim=fail \(the body was changed; the key is marked t=y\) header\.d=/);
    assert.match(text, /dmarc=fail \(nobody speaks for it\) header\.from=red\.test policy\.dmarc=reject/);
  });

  test('say nothing of an address that is hidden, of MAIL FROM of the null sender, of signatures without any', () => {
    const text = written({ address: undefined, dkim: [] }, { sender: '' });
    assert.doesNotMatch(text, /iprev|mailfrom/);
    assert.match(text, /\tdkim=none;/);
  });

  test('tell of ten signatures at most, of those that pass first', () => {
    const many = Array.from({ length: 500 }, () => ({ ...DKIM, result: 'policy' as const }));
    const text = written({ dkim: [...many, DKIM] });
    assert.equal(text.match(/dkim=/g)?.length, 10);
    assert.match(text, /dkim=pass/);
  });

  test('quote what is no word', () => {
    assert.match(written({}, { sender: '"a b"@red.test' }), /smtp\.mailfrom="\\"a b\\"@red\.test";/);
    assert.match(written({}, { helo: '[192.0.2.1]' }), /smtp\.helo="\[192\.0\.2\.1\]";/);
    assert.match(written({}, { helo: '' }), /smtp\.helo="";/);
    assert.match(written({}, { sender: 'a@münchen.test' }), /smtp\.mailfrom=a@xn--mnchen-3ya\.test;/);
  });

  test('carry nothing that a stranger writes beyond its place', () => {
    const evil = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 600 }),
      fc.string({
        unit: fc.constantFrom('a', '.', '(', ')', '"', ';', '\\', '\r', '\n', '\t', ' ', '=', '@', 'ü', '\0'),
        maxLength: 60,
      }),
      fc.constantFrom(
        'x\r\nBcc: all@blue.test',
        'x) dkim=pass header.d=bank.test (',
        'x";\r\n\tdmarc=pass header.from=bank.test',
        'x\\',
        'x\n\n<script>',
      ),
    );
    fc.assert(
      fc.property(evil, evil, evil, (a, b, c) => {
        const text = written(
          {
            address: a,
            iprev: { result: 'fail', name: b, comment: c },
            spf: { ...SPF, result: 'fail', comment: a, explanation: b },
            dkim: [
              { ...DKIM, result: 'fail', domain: a, selector: b, algorithm: c, signature: a, comment: b },
            ],
            dmarc: { ...FACTS.dmarc, result: 'fail', from: a, comment: c },
          },
          { sender: `a${b}`, helo: c },
        );
        assert.ok(text.endsWith('\r\n'));
        const lines = text.slice(0, -2).split('\r\n');
        assert.equal(lines.length, 6);
        for (const [i, line] of lines.entries()) {
          assert.match(line, /^[\x20-\x7e\t]*$/);
          assert.ok(line.length <= 998);
          assert.equal(line.startsWith('\t'), i > 0);
        }
        // Read back: results in their places and no others.
        assert.deepEqual(resultsIn(valueOf(`${text}\r\n`, 'authentication-results')), [
          'iprev=fail',
          'spf=pass',
          'spf=fail',
          'dkim=fail',
          'dmarc=fail',
        ]);
      }),
      { numRuns: 200 },
    );
  });
});

/** The results of a field as a careful reader finds them: comments and quoted strings set aside. */
function resultsIn(value: string): string[] {
  let plain = '';
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < value.length; i++) {
    const one = value[i] as string;
    if (one === '\\') i++;
    else if (quoted) quoted = one !== '"';
    else if (one === '(') depth++;
    else if (one === ')') depth--;
    else if (depth > 0) continue;
    else if (one === '"') quoted = true;
    else plain += one;
  }
  assert.equal(depth, 0);
  assert.equal(quoted, false);
  return plain
    .split(';')
    .slice(1)
    .map((one) => one.trim().split(' ')[0] ?? '');
}

describe('Authentication-Results of others', () => {
  const OWN = 'mx.blue.test';
  for (const value of [
    'mx.blue.test; spf=pass',
    'mx.blue.test;spf=pass',
    'mx.blue.test 1; spf=pass',
    'mx.blue.test/1; spf=pass',
    'MX.Blue.TEST; spf=pass',
    ' \tmx.blue.test ; none',
    'mx.blue.test',
    'mx.blue.test.; none',
    '(comment) mx.blue.test (another) 1; none',
    '(a (nested\\)) one)mx.blue.test(x); none',
    'mx.blue.test(x)',
    '"mx.blue.test"; none',
    '"mx\\.blue.test" 1; none',
    'mx."blue".test; none',
    '\r\n\tmx.blue.test;\r\n\tspf=pass',
    '(mx.blue.test; spf=pass',
    '"mx.blue.test; spf=pass',
    'ｍｘ.ｂｌｕｅ.ｔｅｓｔ; spf=pass',
    Buffer.from('ｍｘ.ｂｌｕｅ.ｔｅｓｔ; spf=pass').toString('latin1'),
    'mx.blue\u3002test; spf=pass',
    'mx.bl\u00ADue.test; spf=pass',
  ])
    test(`claim to be ours: ${JSON.stringify(value)}`, () => {
      assert.equal(isOwnAuthenticationResults(value, OWN), true);
      assert.equal(isOwnAuthenticationResults(value, 'MX.blue.test'), true);
    });

  for (const value of [
    'mx.green.test; spf=pass',
    'blue.test; spf=pass',
    'x.mx.blue.test; spf=pass',
    'mx.blue.test.evil.test; spf=pass',
    'amx.blue.test; spf=pass',
    'other (mx.blue.test); spf=pass',
    'other; spf=pass smtp.mailfrom=mx.blue.test',
    'spf=pass smtp.mailfrom=mx.blue.test',
    '',
    ';',
    '(',
  ])
    test(`do not: ${JSON.stringify(value)}`, () => {
      assert.equal(isOwnAuthenticationResults(value, OWN), false);
    });

  test('in U-labels, where our name is in A-labels, and the other way round', () => {
    const octets = Buffer.from('mx.münchen.test; none').toString('latin1');
    for (const value of ['mx.münchen.test; none', octets, 'mx.xn--mnchen-3ya.test; none'])
      for (const own of ['mx.xn--mnchen-3ya.test', 'mx.münchen.test'])
        assert.equal(isOwnAuthenticationResults(value, own), true, `${value} as ${own}`);
  });

  test('that we write ourselves are ours', () => {
    fc.assert(
      fc.property(fc.domain(), (name) => {
        const text = authenticationResults(name, FACTS, WHO);
        assert.equal(
          isOwnAuthenticationResults(valueOf(`${text}\r\n`, 'authentication-results'), name),
          true,
        );
      }),
    );
  });

  test('are read in a time that grows with their length', () => {
    for (const value of [
      '('.repeat(500_000),
      '"'.repeat(500_001),
      ' '.repeat(500_000),
      'a('.repeat(300_000),
      '\\'.repeat(500_000),
    ]) {
      const began = performance.now();
      isOwnAuthenticationResults(value, OWN);
      assert.ok(performance.now() - began < 500);
    }
  });
});
