import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { looksSealed, open, pathOf, seal, sealToken, VALID_DAYS, written } from './srs.ts';

const SECRET = Buffer.alloc(32, 1);
const OTHER = Buffer.alloc(32, 2);
const NOW = new Date('2026-11-24T12:00:00Z');
const later = (days: number): Date => new Date(NOW.getTime() + days * 86_400_000);
const sealed = (address: string, secret = SECRET): string => seal(pathOf(address)!, secret, NOW)!;

describe('the way there and back', () => {
  for (const address of [
    'bob@away.test',
    'Bob.Smith+tag@Sub.Away.test',
    'bounces=bob=red.test@list.test',
    '"odd one"@away.test',
    'jörg@away.test',
    'a@b',
  ])
    test(address, () => {
      const local = sealed(address);
      assert.match(local, /^SRS0=[A-Z2-7]{6}=[A-Z2-7]{2}=/);
      assert.deepEqual(open(local, [SECRET], NOW), { kind: 'address', address });
    });

  test('a host on the way that changes case changes nothing', () => {
    const local = sealed('Bob@away.test');
    assert.deepEqual(open(local.toLowerCase(), [SECRET], NOW), { kind: 'address', address: 'bob@away.test' });
    assert.deepEqual(open(local.toUpperCase(), [SECRET], NOW), { kind: 'address', address: 'BOB@AWAY.TEST' });
  });

  test('what was sealed by the secret before this one still opens', () => {
    assert.equal(open(sealed('bob@away.test', OTHER), [SECRET, OTHER], NOW)?.kind, 'address');
  });

  test('it holds for so many days, and a clock that is a day ahead changes nothing', () => {
    const local = sealed('bob@away.test');
    assert.ok(open(local, [SECRET], later(VALID_DAYS)));
    assert.equal(open(local, [SECRET], later(VALID_DAYS + 1)), undefined);
    assert.equal(open(local, [SECRET], later(VALID_DAYS + 400)), undefined);
    assert.ok(open(local, [SECRET], later(-1)));
  });
});

describe('what somebody else sealed already', () => {
  test('SRS0 of another becomes SRS1 of ours, and goes back to that one as it was', () => {
    const theirs = 'SRS0=AbCd=X7=away.test=bob@first.test';
    const local = sealed(theirs);
    assert.match(local, /^SRS1=[A-Z2-7]{6}=first\.test==AbCd=X7=away\.test=bob$/);
    assert.deepEqual(open(local, [SECRET], later(100)), { kind: 'address', address: theirs });
  });

  test('SRS1 of another stays SRS1 and still goes back to the first', () => {
    const theirs = 'SRS1=zzzz=first.test=+AbCd=X7=away.test=bob@second.test';
    const local = sealed(theirs);
    assert.match(local, /^SRS1=[A-Z2-7]{6}=first\.test=\+AbCd=X7=away\.test=bob$/);
    assert.deepEqual(open(local, [SECRET], NOW), {
      kind: 'address',
      address: 'SRS0+AbCd=X7=away.test=bob@first.test',
    });
  });

  test('what only begins like one is an address like any other', () => {
    const odd = 'SRS1=nothing@away.test';
    assert.deepEqual(open(sealed(odd), [SECRET], NOW), { kind: 'address', address: odd });
  });
});

describe('forged', () => {
  const local = sealed('bob@away.test');
  const FORGERIES: readonly [string, string][] = [
    ['another writer', local.replace('bob', 'eve')],
    ['another domain', local.replace('away', 'evil')],
    ['another day', local.replace(/=(..)=away/, '=AA=away')],
    ['no seal', local.replace(/^SRS0=[^=]+/, 'SRS0=')],
    ['a short seal', local.replace(/^SRS0=(.)[^=]+/, 'SRS0=$1')],
    ['SRS1 of it', local.replace('SRS0', 'SRS1')],
    ['nothing behind', 'SRS0='],
    ['no equals sign', 'SRS0=AAAAAA'],
    ['another kind', local.replace('SRS0', 'SRS2')],
  ];
  for (const [what, forged] of FORGERIES)
    test(`${what}: ${forged}`, () => assert.equal(open(forged, [SECRET, OTHER], NOW), undefined));
});

describe('too long for a local part', () => {
  test('there is no seal, but one of a name', () => {
    assert.equal(seal({ local: 'x'.repeat(45), domain: 'mail.away.test' }, SECRET, NOW), undefined);
    const local = sealToken('abcdefghijklmnopqrstuvwx', SECRET, NOW);
    assert.ok(local.length <= 64);
    assert.deepEqual(open(local.toLowerCase(), [SECRET], NOW), {
      kind: 'kept',
      token: 'abcdefghijklmnopqrstuvwx',
    });
    assert.equal(open(local, [SECRET], later(VALID_DAYS + 1)), undefined);
  });
});

test('any text opens to nothing, without an error', () => {
  for (const text of ['', 'SRS0', 'SRS0=', 'SRS1==', 'SRS1=AAAAAA=', 'srs0+AAAAAA=BB=', 'SRS0=AAAAAA==', '"'])
    assert.equal(open(text, [SECRET], NOW), undefined, text);
  assert.equal(looksSealed('srs1-x'), true);
  assert.equal(looksSealed('srs@x'), false);
});

test('addresses are written as an envelope writes them', () => {
  assert.equal(written('a.b', 'x.test'), 'a.b@x.test');
  assert.equal(written('a"b', 'x.test'), '"a\\"b"@x.test');
  assert.deepEqual(pathOf('"a\\"b"@x.test'), { local: 'a"b', domain: 'x.test' });
  assert.equal(pathOf('nobody'), undefined);
});
