import assert from 'node:assert/strict';
import test from 'node:test';
import type { Claimed } from '@waybill/spool';
import { envelope } from './envelope.ts';

const claim = (address: string): Claimed => ({
  spoolId: '01980000-0000-7000-8000-000000000001',
  rcptNo: 1,
  deliveryId: '01980000-0000-7000-8000-000000000002',
  address,
  orcpt: null,
  notify: 0,
  destination: 'blue.test',
  accountId: null,
  attempts: 0,
  epoch: 1,
  token: 't',
  unknownOutcome: false,
  origin: 'mx',
  ours: false,
  returnPath: 'alice@red.test',
  envid: null,
  ret: null,
  smtputf8: false,
  hops: 1,
  acceptedAt: new Date(0),
  expiresAt: new Date(1),
  size: 2,
  body: null,
  blobKey: null,
});

test('SMTPUTF8 is asked for when an alias led to an address beyond ASCII', () => {
  const asked = (...addresses: string[]): boolean =>
    envelope(addresses.map(claim), Buffer.from('\r\n')).parameters.smtputf8;
  assert.equal(asked('bob@blue.test'), false);
  assert.equal(asked('bob@blue.test', 'jos\u00e9@blue.test'), true);
});
