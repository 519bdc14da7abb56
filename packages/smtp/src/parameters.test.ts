import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Offers, parseMail, parseRcpt } from './parameters.ts';
import { decodeXtext, encodeXtext } from './xtext.ts';

const all: Offers = { extended: true, auth: true, xwaybill: true };
const outside: Offers = { extended: true, auth: false, xwaybill: false };

const mail: [string, object][] = [
  ['FROM:<a@b.test>', { smtputf8: false }],
  ['from: <a@b.test>  SIZE=12', { smtputf8: false, size: 12 }],
  [
    'FROM:<> BODY=8BITMIME RET=hdrs ENVID=a+2Bb',
    { smtputf8: false, body: '8BITMIME', ret: 'HDRS', envid: 'a+b' },
  ],
  ['FROM:<ü@b.test> SMTPUTF8', { smtputf8: true }],
  ['FROM:<a@b.test> AUTH=<>', { smtputf8: false, auth: '<>' }],
];
for (const [text, parameters] of mail) {
  test(`MAIL ${text} is understood`, () => {
    const read = parseMail(text, all);
    assert.ok('parameters' in read, JSON.stringify(read));
    assert.deepEqual(read.parameters, parameters);
  });
}

const badMail: [string, number][] = [
  ['', 501],
  ['FROM:a@b.test', 553],
  ['FROM:<a@b.test', 553],
  ['FROM:<postmaster>', 553],
  ['FROM:<a@b.test>SIZE=1', 501],
  ['FROM:<a@b.test> FOO=BAR', 555],
  ['FROM:<a@b.test> __proto__=1', 555],
  ['FROM:<a@b.test> SIZE=1 SIZE=1', 501],
  ['FROM:<a@b.test> SIZE=-1', 501],
  ['FROM:<a@b.test> SIZE', 501],
  ['FROM:<a@b.test> BODY=BINARYMIME', 555],
  ['FROM:<a@b.test> ENVID=a+0D+0Ab', 501],
  ['FROM:<a@b.test> ENVID=a+zzb', 501],
  [`FROM:<a@b.test> ENVID=${'x'.repeat(101)}`, 501],
  ['FROM:<ü@b.test>', 553],
  ['FROM:<a@b.test> SMTPUTF8=yes', 501],
  ['FROM:<a@b.test> AUTH=nobody', 501],
];
for (const [text, code] of badMail) {
  test(`MAIL ${text.slice(0, 50)} is refused ${code}`, () => {
    const read = parseMail(text, all);
    assert.equal('code' in read ? read.code : 250, code);
  });
}

const ID = '0190b3c4-0000-7000-8000-000000000001';

test('RCPT parameters become values', () => {
  const read = parseRcpt(
    `TO:<a@b.test> NOTIFY=SUCCESS,delay ORCPT=rfc822;x+2By@c.test XDELIVERY=${ID} XACCOUNT=42 XJOURNEY=${ID}`,
    all,
    false,
  );
  assert.ok('to' in read);
  assert.deepEqual(read.parameters, {
    notify: { never: false, success: true, failure: false, delay: true },
    orcpt: 'rfc822;x+y@c.test',
    deliveryId: ID,
    accountId: '42',
    journeyId: ID,
  });
});

const badRcpt: [string, number, Offers][] = [
  ['TO:<>', 553, all],
  ['TO:<a@b.test> NOTIFY=NEVER,SUCCESS', 501, all],
  ['TO:<a@b.test> NOTIFY=SOMETIMES', 501, all],
  ['TO:<a@b.test> ORCPT=nobody', 501, all],
  ['TO:<a@b.test> ORCPT=rfc822;a+0Ab', 501, all],
  [`TO:<a@b.test> XDELIVERY=${ID}`, 555, outside],
  ['TO:<a@b.test> XDELIVERY=1', 501, all],
  ['TO:<a@b.test> XACCOUNT=1e3', 501, all],
  ['TO:<a@b.test> NOTIFY=NEVER', 555, { ...outside, extended: false }],
  ['TO:<ü@b.test>', 553, all],
];
for (const [text, code, offers] of badRcpt) {
  test(`RCPT ${text.slice(0, 50)} is refused ${code}`, () => {
    const read = parseRcpt(text, offers, false);
    assert.equal('code' in read ? read.code : 250, code);
  });
}

test('bare postmaster is a recipient, whatever its case', () => {
  const read = parseRcpt('TO:<Postmaster>', outside, false);
  assert.deepEqual('to' in read && read.to, { local: 'postmaster', domain: '' });
});

test('xtext goes there and back', () => {
  for (const text of ['plain', 'a+b=c d', 'ü', '~!']) assert.equal(decodeXtext(encodeXtext(text)), text);
  for (const text of ['a=b', 'a b', '+4', '+4g', '+C3', 'ü']) assert.equal(decodeXtext(text), undefined);
});
