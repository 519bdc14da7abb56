import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dkimRecord, dkimRecordName, publishes } from './record.ts';

test('a record as it is published', () => {
  assert.equal(dkimRecordName('wb202611e', 'red.test'), 'wb202611e._domainkey.red.test');
  assert.equal(dkimRecord('ed25519-sha256', 'AAAA'), 'v=DKIM1; k=ed25519; p=AAAA');
  assert.equal(dkimRecord('rsa-sha256', 'MIIB'), 'v=DKIM1; k=rsa; p=MIIB');
});

const TABLE: readonly [string, readonly string[], boolean][] = [
  ['as it was printed', ['v=DKIM1; k=rsa; p=AB+/CD=='], true],
  [
    'other spacing, other tags, a semicolon at the end',
    ['v=DKIM1;k=rsa; t=s; h=sha256 ; p=AB+/ CD== ;'],
    true,
  ],
  ['without v= and k=', ['p=AB+/CD=='], true],
  ['nothing', [], false],
  ['two records', ['v=DKIM1; k=rsa; p=AB+/CD==', 'v=DKIM1; k=rsa; p=AB+/CD=='], false],
  ['another key', ['v=DKIM1; k=rsa; p=AB+/CE=='], false],
  ['cut short', ['v=DKIM1; k=rsa; p=AB+/C'], false],
  ['revoked', ['v=DKIM1; k=rsa; p='], false],
  ['another kind', ['v=DKIM1; k=ed25519; p=AB+/CD=='], false],
  ['quotes that were pasted along', ['"v=DKIM1; k=rsa; p=AB+/CD=="'], false],
  ['a version that is not DKIM', ['v=spf1; k=rsa; p=AB+/CD=='], false],
  ['for sha1 alone', ['v=DKIM1; h=sha1; k=rsa; p=AB+/CD=='], false],
  ['p= twice', ['v=DKIM1; p=AB+/CD==; p=AB+/CD=='], false],
];
for (const [what, records, expected] of TABLE)
  test(`${what}: ${expected ? 'it is ours' : 'it is not'}`, () => {
    assert.equal(publishes(records, 'rsa-sha256', 'AB+/CD=='), expected);
  });
