import assert from 'node:assert/strict';
import test from 'node:test';
import { hashPassword, parsePhc, verifyPassword } from './phc.ts';

const CHEAP = { memory: 64, passes: 1, parallelism: 1 };

test('a hash fits its password and no other, and is salted', async () => {
  const [one, two] = await Promise.all([
    hashPassword('secret', { cost: CHEAP }),
    hashPassword('secret', { cost: CHEAP }),
  ]);
  assert.notEqual(one, two);
  assert.ok(await verifyPassword('secret', one));
  assert.ok(!(await verifyPassword('Secret', one)));
});

test('a string made elsewhere is understood', async () => {
  // The reference implementation: echo -n password | argon2 somesalt -id -v 13 -t 2 -m 16 -p 1
  const phc = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
  assert.ok(await verifyPassword('password', phc));
  assert.ok(!(await verifyPassword('passwore', phc)));
});

test('what is no argon2id string, or asks too much, fits nothing', async () => {
  const bad = [
    '',
    'plain',
    '$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHRzYWx0$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    '$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHRzYWx0$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    '$argon2id$v=19$m=99999999,t=1,p=1$c29tZXNhbHRzYWx0$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    '$argon2id$v=19$m=64,t=999,p=1$c29tZXNhbHRzYWx0$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    '$argon2id$v=19$t=1,m=64,p=1$c29tZXNhbHRzYWx0$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    '$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzYWx0$',
    '$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzYWx0$c2hvcnQ',
    '$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzYWx0$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc$x',
  ];
  for (const phc of bad) {
    assert.equal(parsePhc(phc), undefined, phc);
    assert.equal(await verifyPassword('password', phc), false, phc);
  }
});
