import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMechanisms, takesPasswords } from './mechanisms.ts';

test('the list is read in its order, in any case, with spaces or commas', () => {
  assert.deepEqual(readMechanisms('PLAIN LOGIN SCRAM-SHA-256'), ['PLAIN', 'LOGIN', 'SCRAM-SHA-256']);
  assert.deepEqual(readMechanisms(' oauthbearer, scram-sha-256,OAUTHBEARER '), [
    'OAUTHBEARER',
    'SCRAM-SHA-256',
  ]);
});

test('an unknown name and an empty list are told with the setting', () => {
  assert.throws(
    () => readMechanisms('PLAIN CRAM-MD5'),
    /WAYBILL_SASL_MECHANISMS: "CRAM-MD5" is none of PLAIN/,
  );
  assert.throws(() => readMechanisms('constructor'), /"constructor"/);
  assert.throws(() => readMechanisms(' , '), /empty/);
});

test('passwords are taken where PLAIN or LOGIN is', () => {
  assert.equal(takesPasswords(['LOGIN']), true);
  assert.equal(takesPasswords(['SCRAM-SHA-256', 'OAUTHBEARER']), false);
});
