import assert from 'node:assert/strict';
import test from 'node:test';
import { makeScramKeys } from '../password/scram-keys.ts';
import { saslprep } from './saslprep.ts';
import { proves, readClientFinal, readClientFirst, serverFinal, serverFirst } from './scram.ts';

const octets = (text: string): Buffer => Buffer.from(text, 'utf8');

test('the exchange of RFC 7677 §3 is reproduced to the octet', async () => {
  const first = readClientFirst(octets('n,,n=user,r=rOprNGfwEbeRWgbNEkqO'))!;
  assert.deepEqual([first.username, first.authzid, first.gs2], ['user', '', 'n,,']);
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
  const challenge = serverFirst(`${first.nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0`, salt, 4096);
  assert.equal(
    challenge,
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  );
  const final = readClientFinal(
    octets(
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    ),
  )!;
  const authMessage = `${first.bare},${challenge},${final.withoutProof}`;
  const keys = (await makeScramKeys('pencil', salt, 4096))!;
  assert.ok(proves(final.proof, authMessage, keys));
  assert.equal(serverFinal(authMessage, keys), 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  const others = (await makeScramKeys('pencil!', salt, 4096))!;
  assert.ok(!proves(final.proof, authMessage, others));
});

const FIRSTS: readonly (readonly [message: string, name: string | undefined])[] = [
  ['n,,n=user,r=abc', 'user'],
  ['y,,n=user,r=abc', 'user'],
  ['n,a=admin,n=user,r=abc', 'user'],
  ['n,,n=a=2Cb=3Dc,r=abc', 'a,b=c'],
  ['n,,n=user,r=abc,x=extension', 'user'],
  ['p=tls-unique,,n=user,r=abc', undefined],
  ['n,,m=must,n=user,r=abc', undefined],
  ['n,,n=a=2cb,r=abc', undefined],
  ['n,,n=a=b,r=abc', undefined],
  ['n,,n=,r=abc', undefined],
  ['n,,n=user,r=', undefined],
  ['n,,n=user', undefined],
  ['n,b=x,n=user,r=abc', undefined],
  ['n=user,r=abc', undefined],
  ['n,,n=user,r=a c', undefined],
  [`n,,n=user,r=${'a'.repeat(257)}`, undefined],
  [`n,,n=${'a'.repeat(5000)},r=abc`, undefined],
  ['', undefined],
];
for (const [message, name] of FIRSTS)
  test(`client-first "${message.slice(0, 40)}" names ${name ?? 'nobody'}`, () => {
    assert.equal(readClientFirst(octets(message))?.username, name);
  });

test('what is no UTF-8 is no message', () => {
  assert.equal(
    readClientFirst(Buffer.concat([octets('n,,n=us'), Buffer.of(0xff), octets(',r=abc')])),
    undefined,
  );
});

for (const message of [
  '',
  'c=biws',
  'c=biws,r=abc',
  'c=biws,r=abc,p=AAAA',
  'r=abc,c=biws,p='.padEnd(59, 'A'),
])
  test(`client-final "${message.slice(0, 20)}" is malformed`, () => {
    assert.equal(readClientFinal(octets(message)), undefined);
  });

/** RFC 4013 §3, then ours. */
const PREPARED: readonly (readonly [text: string, prepared: string | undefined])[] = [
  ['I\u00adX', 'IX'],
  ['user', 'user'],
  ['USER', 'USER'],
  ['\u00aa', 'a'],
  ['\u2168', 'IX'],
  ['\u0007', undefined],
  ['\u06271', undefined],
  ['\u0627\u0644\u0627', '\u0627\u0644\u0627'],
  ['\u0627a\u0627', undefined],
  ['a\u00a0b', 'a b'],
  ['a\u2003b', 'a b'],
  ['Zoe\u0308', 'Zo\u00eb'],
  ['a\ue000', undefined],
  ['\ud800', undefined],
  ['\u200e', undefined],
  ['', ''],
];
for (const [text, prepared] of PREPARED)
  test(`SASLprep of ${JSON.stringify(text)} is ${JSON.stringify(prepared)}`, () => {
    assert.equal(saslprep(text), prepared);
  });
