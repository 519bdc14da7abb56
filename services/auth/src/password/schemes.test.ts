import assert from 'node:assert/strict';
import test from 'node:test';
import { isForeign, readImport, verifyForeign } from './schemes.ts';
import { verifyPassword } from './phc.ts';

async function fits(password: string, hash: string): Promise<boolean> {
  const imported = readImport(hash);
  assert.ok('stored' in imported, `not taken: ${JSON.stringify(imported)}`);
  return isForeign(imported.stored)
    ? verifyForeign(Buffer.from(password), imported.stored)
    : verifyPassword(password, imported.stored);
}

/** Made by Dovecot's doveadm pw. */
const DOVECOT = [
  '{BLF-CRYPT}$2y$05$JiEL2xHpCkn2PQSkNrjcKeggqsp2ZOF6KdGa/LYySNU/8lna6CY82',
  '{PBKDF2}$1$iCsLvutpSbvN6txH$5000$029ecc4bd406d9f77d241c1a89bde1c807c0cb4c',
  '{SSHA}Tg+uGrSm0dFtSEcU3xr5EKmlpE9o9KS6',
  '{SSHA512}HnOTp3QGDi7t8kSPnglxk2fxhkXbbO/iDxg5JqSHg0QDDf+s3DCUxeQf30w3Nw/E5FuoYW+sXk9PM6BYQTtqCjsKiHI=',
  '{SSHA512.HEX}018fee923e2eafa619157b361cf2c8ab8593464dccbcc594c96c4c209f6935d4cd9bf4760cd4c2e59a7a3e0b9623b67f6553f0f32eac8557864aafc4c174f528e8665a1c',
  '{SHA512-CRYPT}$6$XRRrfTPhQtVMGHW3$UQhrnpSAjuc7exuzgaGQYnDcibAvJATNbtNLT7Zkl5UhZvgL2fU47w4w1W2o3AHk4T.vuRJN40OrgOIskDN.Q.',
  '{CRYPT}$6$XRRrfTPhQtVMGHW3$UQhrnpSAjuc7exuzgaGQYnDcibAvJATNbtNLT7Zkl5UhZvgL2fU47w4w1W2o3AHk4T.vuRJN40OrgOIskDN.Q.',
  '{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$kQatIZI2G8QEEAipPrBUHA$AvScJ2SC04cuInZxuKjjB5hdiClRPuhoAnlAB9Ovoyk',
  '{argon2id}$argon2id$v=19$m=65536,t=3,p=1$kQatIZI2G8QEEAipPrBUHA$AvScJ2SC04cuInZxuKjjB5hdiClRPuhoAnlAB9Ovoyk',
];
for (const hash of DOVECOT)
  test(`${hash.slice(0, hash.indexOf('}') + 8)}… fits its password and no other`, async () => {
    assert.ok(await fits('geheim ü', hash));
    for (const wrong of ['geheim u', '', 'geheim ü ', 'Geheim ü'])
      assert.ok(!(await fits(wrong, hash)), wrong);
  });

/** Made by glibc's crypt(3), those of Drepper's text among them. */
const GLIBC: readonly (readonly [password: string, hash: string])[] = [
  [
    'Hello world!',
    '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
  ],
  [
    'Hello world!',
    '$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.',
  ],
  [
    'This is just a test',
    '$6$rounds=5000$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0',
  ],
  [
    'a very much longer text to encrypt.  This one even stretches over morethan one line.',
    '$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1',
  ],
  [
    'the minimum number is still observed',
    '$6$rounds=10$roundstoolow$kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX.',
  ],
  ['', '$6$leer$eftBwDq2MbUe7UkcY6tPN1kP8xqMTuLXYbFfagv966J1BhjItP3lP6HSSvIikrrLXe85pdp3oQnanSpuCopKP/'],
  [
    'x'.repeat(200),
    '$6$lang$3sOzfI58Z78UTQ.boqscJ1J6R4MgcpJiGqyteqici3sUGCZzIs/T8lgnugctBKilSXc0Pdw48y7MTcH.I9t4W0',
  ],
];
for (const [password, hash] of GLIBC)
  test(`crypt(3): ${hash.slice(0, 24)}…`, async () => {
    assert.ok(await fits(password, hash));
    assert.ok(!(await fits(`${password}.`, hash)));
  });

const REFUSED: readonly (readonly [hash: string, why: RegExp])[] = [
  ['{PLAIN}secret', /\{PLAIN\} is not known; known are \{SHA512-CRYPT\}/],
  ['{MD5-CRYPT}$1$abc$def', /is not known/],
  ['{__proto__}x', /is not known/],
  ['secret', /names no scheme/],
  ['', /names no scheme/],
  ['{SHA512-CRYPT', /names no scheme|is not known/],
  ['{SHA512-CRYPT}$6$rounds=999999999$salt$'.padEnd(126, 'x'), /more than 1000000 rounds/],
  ['{SHA512-CRYPT}$6$salt$short', /malformed/],
  [`{BLF-CRYPT}$2y$31$${'a'.repeat(53)}`, /cost outside 4 to 14/],
  [`{BLF-CRYPT}$2x$05$${'a'.repeat(53)}`, /malformed/],
  [`{PBKDF2}$1$salt$9999999$${'a'.repeat(40)}`, /more than 2000000 rounds/],
  [`{PBKDF2}$2$salt$1000$${'a'.repeat(40)}`, /not of the form/],
  ['{SSHA}dGVzdA==', /no digest of 20 octets/],
  ['{SSHA512}!!!', /no base64/],
  ['{SSHA.HEX}xyz', /no base64/],
  [
    '{ARGON2ID}$argon2id$v=19$m=1048576,t=2,p=1$c2FsdHNhbHQ$AvScJ2SC04cuInZxuKjjB5hdiClRPuhoAnlAB9Ovoyk',
    /more than 256 MiB/,
  ],
  [
    '{ARGON2ID}$argon2i$v=19$m=65536,t=2,p=1$c2FsdHNhbHQ$AvScJ2SC04cuInZxuKjjB5hdiClRPuhoAnlAB9Ovoyk',
    /malformed/,
  ],
];
for (const [hash, why] of REFUSED)
  test(`not taken: ${hash.slice(0, 40)}`, () => {
    const imported = readImport(hash);
    assert.match('fault' in imported ? imported.fault : 'taken', why);
  });

test('what stands in the directory and cannot be read fits nothing', () => {
  for (const stored of ['{SSHA}', '{', '{PLAIN}x', '{BLF-CRYPT}$2y$99$', '{PBKDF2}$1$$$'])
    assert.equal(verifyForeign(Buffer.from('x'), stored), false);
});
