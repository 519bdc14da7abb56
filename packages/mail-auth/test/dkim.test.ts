import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { type CheckLimits, type Dkim, openSenderChecks } from '../src/index.ts';
import { FROM, LETTER, NOW, PUBLIC, SECONDS, signed, type Tags } from './signed-letter.ts';
import { type Zone, ZoneNames } from './zone-names.ts';

const KEYS: Zone = {
  'rsa._domainkey.red.test': [['TXT', `v=DKIM1; k=rsa; p=${PUBLIC.rsa}`]],
  'short._domainkey.red.test': [['TXT', `v=DKIM1; k=rsa; p=${PUBLIC.short}`]],
  'ed25519._domainkey.red.test': [['TXT', `v=DKIM1; k=ed25519; p=${PUBLIC.ed25519}`]],
};

function verify(message: string, zone: Zone = KEYS, limits: CheckLimits = {}): Promise<readonly Dkim[]> {
  return openSenderChecks(new ZoneNames(zone), limits).dkim([Buffer.from(message)], NOW);
}
async function only(message: string, zone: Zone = KEYS, limits: CheckLimits = {}): Promise<string> {
  const [one, ...others] = await verify(message, zone, limits);
  assert.equal(others.length, 0);
  return `${one?.result}: ${one?.comment}`;
}
/** The letter signed by `rsa`, with another record for its key. */
const withKey = (record: string, tags: Tags = {}): Promise<string> =>
  only(signed(LETTER, tags), { 'rsa._domainkey.red.test': [['TXT', record]] });

describe('A signature passes', () => {
  for (const pair of ['rsa', 'ed25519'] as const)
    for (const c of [
      'simple/simple',
      'simple/relaxed',
      'relaxed/simple',
      'relaxed/relaxed',
      'relaxed',
      'simple',
    ])
      test(`of ${pair}, canonical form ${c}`, async () => {
        const [one] = await verify(signed(LETTER, { c }, pair));
        assert.equal(one?.result, 'pass', one?.comment);
        assert.equal(one?.domain, 'red.test');
        assert.equal(one?.selector, pair);
        assert.equal(one?.algorithm, `${pair}-sha256`);
        assert.equal(one?.signature?.length, 8);
        assert.equal(one?.testing, false);
      });

  for (const [what, letter] of Object.entries({
    'without a body': `${FROM}\r\n\r\n`,
    'without even an empty line': `${FROM}\r\n`,
    'whose body is empty lines': `${FROM}\r\n\r\n\r\n\r\n`,
    'whose last line has no end': `${FROM}\r\n\r\nHello`,
    'beyond ASCII': `${FROM}\r\nSubject: Grüße\r\n\r\nSchöne Grüße 😀\r\n`,
    'with a folded subject': `${FROM}\r\nSubject: a\r\n  b\r\n\tc\r\n\r\nx\r\n`,
  }))
    for (const c of ['simple/simple', 'relaxed/relaxed'])
      test(`of a letter ${what}, ${c}`, async () => {
        assert.match(await only(signed(letter, { c })), /^pass/);
      });

  test('when fields that are not there are signed, so that nobody adds one', async () => {
    const message = signed(LETTER, { h: 'from:from:to:subject:subject:cc' });
    assert.match(await only(message), /^pass/);
    for (const added of ['From: Mallory <m@evil.test>', 'Subject: Another', 'Cc: all@blue.test'])
      assert.match(await only(message.replace('\r\nTo:', `\r\n${added}\r\nTo:`)), /^(?:fail|policy)/);
  });

  test('when relays fold and space the header otherwise, relaxed', async () => {
    const message = signed(LETTER)
      .replace('Subject: Hello', 'SUBJECT:\t Hello  ')
      .replace('To: Bob', 'To:\r\n Bob');
    assert.match(await only(message), /^pass/);
  });

  test('before it expires, and made a minute ahead of our clock', async () => {
    assert.match(await only(signed(LETTER, { t: `${SECONDS + 60}`, x: `${SECONDS + 600}` })), /^pass/);
  });

  test('in whatever pieces the message comes', async () => {
    const octets = Buffer.from(signed(LETTER));
    const checks = openSenderChecks(new ZoneNames(KEYS));
    for (let size = 1; size < octets.length; size += size < 8 ? 1 : 37) {
      const pieces: Buffer[] = [];
      for (let at = 0; at < octets.length; at += size) pieces.push(octets.subarray(at, at + size));
      const [one] = await checks.dkim(pieces, NOW);
      assert.equal(one?.result, 'pass', `pieces of ${size}: ${one?.comment}`);
    }
  });

  test('under the second key of a selector that has two', async () => {
    const zone: Zone = {
      'rsa._domainkey.red.test': [
        ['TXT', `v=DKIM1; p=${PUBLIC.short}`],
        ['TXT', `v=DKIM1; p=${PUBLIC.rsa}`],
      ],
    };
    assert.match(await only(signed(LETTER), zone), /^pass: 2048-bit key/);
  });

  test('of a domain in U-labels, looked up in A-labels', async () => {
    const zone: Zone = { 'rsa._domainkey.xn--mnchen-3ya.test': [['TXT', `p=${PUBLIC.rsa}`]] };
    const [one] = await verify(signed(LETTER, { d: 'münchen.test' }), zone);
    assert.equal(one?.result, 'pass', one?.comment);
    assert.equal(one?.domain, 'xn--mnchen-3ya.test');
  });
});

describe('A signature fails', () => {
  for (const [what, from, to, why] of [
    ['another word in the body', 'how are', 'who are', /^fail: the body was changed/],
    ['another subject', 'Subject: Hello', 'Subject: Hallo', /^fail: the header was changed/],
    ['another author', 'alice@', 'mallory@', /^fail: the header was changed/],
    [
      'a text behind the body',
      'how are you?\r\n',
      'how are you?\r\nPay here.\r\n',
      /^fail: the body was changed/,
    ],
    ['another selector', 's=rsa', 's=ed25519', /^permerror: the key is of another kind/],
    ['another domain', 'd=red.test', 'd=blue.test', /^permerror: no key is published/],
  ] as const)
    test(`by ${what}`, async () => {
      const message = signed(LETTER);
      assert.ok(message.includes(from));
      assert.match(await only(message.replace(from, to)), why);
    });

  test('after it expired', async () => {
    assert.match(await only(signed(LETTER, { x: `${SECONDS - 1}` })), /^fail: the signature has expired/);
  });
});

describe('What is no proof is said with its reason, and never passes', () => {
  for (const [what, tags, why] of [
    ['SHA-1', { a: 'rsa-sha1' }, /^permerror: rsa-sha1 is not believed/],
    ['an algorithm that nobody knows', { a: 'rot13' }, /^permerror: a= is not known/],
    ['another version', { v: '2' }, /^permerror: not a signature of version 1/],
    ['no version', { v: undefined }, /^permerror: v= is missing/],
    ['no domain', { d: undefined }, /^permerror: d= is missing/],
    ['no selector', { s: undefined }, /^permerror: s= is missing/],
    ['no signed fields', { h: undefined }, /^permerror: h= is missing/],
    ['no body hash', { bh: undefined }, /^permerror: bh= is missing/],
    ['a body hash that is none', { bh: 'AAAA' }, /^permerror: bh= is no SHA-256/],
    ['From unsigned', { h: 'to:subject' }, /^permerror: From is not signed/],
    ['a tag twice', { s: 'rsa; s=rsa' }, /^permerror: s= stands there twice/],
    ['a form that nobody knows', { c: 'strict/strict' }, /^permerror: c= is not known/],
    ['a key by other means than DNS', { q: 'http' }, /^permerror: q= is not known/],
    ['an agent of another domain', { i: '@evil.test' }, /^permerror: i= is not below d=/],
    ['an agent of a domain that ends alike', { i: '@infrared.test' }, /^permerror: i= is not below d=/],
    ['x= before t=', { t: `${SECONDS + 9}`, x: `${SECONDS + 8}` }, /^permerror: x= is before t=/],
    ['t= that is no number', { t: 'now' }, /^permerror: t= is no number/],
    ['l= that is no number', { l: '1e3', bh: 'A'.repeat(43) }, /^permerror: l= is no number/],
    ['a day ahead of us', { t: `${SECONDS + 90_000}` }, /^policy: made in the future/],
    ['a domain that is none', { d: 'red..test' }, /^permerror: d= is no domain name/],
    ['a selector that is none', { s: '[1]' }, /^permerror: s= is no selector/],
    ['l= beyond the body', { l: '5000' }, /^permerror: l= is more than there is/],
  ] as const)
    test(what, async () => assert.match(await only(signed(LETTER, tags)), why));

  test('a body that goes on behind l=', async () => {
    const l = String('Hello Bob,\r\n\r\nhow are you?\r\n'.length);
    const whole = signed(LETTER, { l });
    assert.match(await only(whole), /^pass: 2048-bit key; l= covers the whole body/);
    assert.match(await only(`${whole}Pay here.\r\n`), /^policy: only 28 of 39 octets of the body are signed/);
  });

  test('the part before l= is not looked at: nothing could make it believed', async () => {
    assert.match(
      await only(signed(LETTER, { l: '5', bh: 'A'.repeat(43) })),
      /^policy: only 5 of 28 octets of the body are signed/,
    );
  });

  test('a second From, signed once, wherever it stands', async () => {
    const message = signed(LETTER);
    const other = 'From: Bank <bank@bank.test>\r\n';
    for (const forged of [`${other}${message}`, message.replace('\r\nTo:', `\r\n${other}To:`)])
      assert.match(await only(forged), /^policy: a From field is not signed/);
  });

  test('a key shorter than 1024 bits; a limit may ask for more', async () => {
    assert.match(await only(signed(LETTER, {}, 'short')), /^policy: a key of 768 bits is not believed/);
    assert.match(await only(signed(LETTER), KEYS, { rsaBits: 4096 }), /^policy: a key of 2048 bits/);
  });

  test('a header that is too large to be read whole', async () => {
    const message = `${signed(LETTER).replace('\r\nTo:', `${'\r\nX: y'.repeat(1000)}\r\nTo:`)}`;
    assert.match(await only(message), /^policy: the header is too large/);
  });
});

describe('The key record', () => {
  for (const [what, record, why] of [
    ['without a version', `p=${PUBLIC.rsa}`, /^pass/],
    ['with unknown tags', `v=DKIM1; n=notes; zz=1; p=${PUBLIC.rsa}`, /^pass/],
    ['with blanks in the key', `v=DKIM1; p=${PUBLIC.rsa.slice(0, 99)} \t${PUBLIC.rsa.slice(99)} ;`, /^pass/],
    ['for SHA-256 among others', `v=DKIM1; h=sha1 : sha256; p=${PUBLIC.rsa}`, /^pass/],
    ['for SHA-1 alone', `v=DKIM1; h=sha1; p=${PUBLIC.rsa}`, /^permerror: the key is not for SHA-256/],
    ['for mail', `v=DKIM1; s=email; p=${PUBLIC.rsa}`, /^pass/],
    ['for another service', `v=DKIM1; s=tlsrpt; p=${PUBLIC.rsa}`, /^permerror: the key is not for mail/],
    ['that revokes it', 'v=DKIM1; p=', /^permerror: the key is revoked/],
    ['without a key', 'v=DKIM1; k=rsa', /^permerror: the key record has no p=/],
    ['with a key that is none', 'v=DKIM1; p=AAAA', /^permerror: p= is no key/],
    ['with a key that is no base64', 'v=DKIM1; p=!!!', /^permerror: p= is no key/],
    ['of another version', `v=DKIM2; p=${PUBLIC.rsa}`, /^permerror: not a key record of DKIM1/],
    ['whose version is not first', `p=${PUBLIC.rsa}; v=DKIM1`, /^permerror: not a key record of DKIM1/],
    ['with a tag twice', `v=DKIM1; p=${PUBLIC.rsa}; p=${PUBLIC.rsa}`, /^permerror: .*p= stands there twice/],
    [
      'of a kind that nobody knows',
      `v=DKIM1; k=dsa; p=${PUBLIC.rsa}`,
      /^permerror: a key of an unknown kind/,
    ],
    ['of another kind than it says', `v=DKIM1; k=ed25519; p=${PUBLIC.rsa}`, /^permerror: p= is no key/],
  ] as const)
    test(what, async () => assert.match(await withKey(record), why));

  test('that is marked t=s is for its domain alone', async () => {
    const record = `v=DKIM1; t=s; p=${PUBLIC.rsa}`;
    assert.match(await withKey(record, { i: 'alice@red.test' }), /^pass/);
    assert.match(
      await withKey(record, { i: '@sub.red.test' }),
      /^permerror: the key is for its domain alone/,
    );
    assert.match(await withKey(`v=DKIM1; p=${PUBLIC.rsa}`, { i: '@sub.red.test' }), /^pass/);
  });

  test('that is marked t=y is told of, whatever comes out', async () => {
    const zone: Zone = { 'rsa._domainkey.red.test': [['TXT', `v=DKIM1; t=y:s; p=${PUBLIC.rsa}`]] };
    const [good] = await verify(signed(LETTER), zone);
    assert.deepEqual([good?.result, good?.testing], ['pass', true]);
    const [bad] = await verify(signed(LETTER).replace('Subject: Hello', 'Subject: no'), zone);
    assert.deepEqual([bad?.result, bad?.testing], ['fail', true]);
  });

  test('that nobody could say is temporary', async () => {
    const zone: Zone = { 'rsa._domainkey.red.test': ['TIMEOUT'] };
    assert.match(await only(signed(LETTER), zone), /^temperror/);
  });

  test('that never comes is temporary when the time is over', async () => {
    const silent = { lookup: () => new Promise<never>(() => undefined) };
    const [one] = await openSenderChecks(silent, { timeMs: 1 }).dkim([Buffer.from(signed(LETTER))], NOW);
    assert.deepEqual([one?.result, one?.comment], ['temperror', 'no answer in time']);
  });

  test('whose look-up breaks is temporary', async () => {
    const broken = { lookup: () => Promise.reject(new Error('socket closed')) };
    const [one] = await openSenderChecks(broken).dkim([Buffer.from(signed(LETTER))], NOW);
    assert.deepEqual([one?.result, one?.comment], ['temperror', 'socket closed']);
  });
});

describe('Many signatures', () => {
  test('are told one by one, in the order of the message', async () => {
    const message = signed(signed(LETTER), {}, 'ed25519').replace(/^DKIM/, 'DKIM-Signature: v=1\r\nDKIM');
    assert.deepEqual(
      (await verify(message)).map(({ result, selector }) => `${result} ${selector}`),
      ['permerror ', 'pass ed25519', 'pass rsa'],
    );
  });

  test('cost five verifications; the author’s own is among them wherever it stands', async () => {
    const noise = Array.from({ length: 20 }, (_, i) => `DKIM-Signature: v=1; d=evil${i}.test; b=x\r\n`);
    const found = await verify(`${noise.join('')}${signed(LETTER)}`);
    assert.equal(found.length, 21);
    assert.equal(found.at(-1)?.result, 'pass');
    assert.equal(found.filter(({ comment }) => comment === 'there are too many signatures').length, 16);
  });

  test('are verified up to the limit, also where the author’s is the first', async () => {
    const message = signed(LETTER);
    const [first = '', ...rest] = message.split('\r\nFrom:');
    const others = 'DKIM-Signature: v=2; d=x.test; a=x; b=x; bh=x; h=x; s=x\r\n'.repeat(9);
    const found = await verify(`${first}\r\n${others}From:${rest.join('\r\nFrom:')}`);
    assert.equal(found.filter(({ comment }) => comment === 'not a signature of version 1').length, 4);
  });

  test('of a limit of one: the author’s', async () => {
    const found = await verify(`DKIM-Signature: v=1; d=evil.test\r\n${signed(LETTER)}`, KEYS, {
      signatures: 1,
    });
    assert.deepEqual(
      found.map(({ result }) => result),
      ['policy', 'pass'],
    );
  });

  test('none is an empty list', async () => {
    assert.deepEqual(await verify(LETTER), []);
    assert.deepEqual(await openSenderChecks(new ZoneNames({})).dkim([]), []);
  });
});
