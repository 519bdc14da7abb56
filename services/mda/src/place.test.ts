import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Resolution } from '@waybill/auth-client';
import { place } from './place.ts';

const account = (accountId: string) => ({
  accountId,
  address: `u${accountId}@blue.test`,
  quotaBytes: 0,
  quotaMessages: 0,
});
const alias = (...targets: { address: string; account?: ReturnType<typeof account> }[]): Resolution => ({
  status: 'alias',
  targets,
  route: 'local',
});
const code = (resolution: Resolution, accountId?: string): string => {
  const placed = place(resolution, accountId);
  return 'account' in placed ? placed.account.accountId : `${placed.refusal.code} ${placed.refusal.enhanced}`;
};

test('a mailbox is its account', () => {
  assert.equal(code({ status: 'mailbox', account: account('7'), route: 'local' }), '7');
});

test('who is not known is refused for good, what cannot be asked is not', () => {
  assert.equal(code({ status: 'unknown' }), '550 5.1.1');
  assert.equal(code({ status: 'not-ours' }), '550 5.1.1');
  assert.equal(code({ status: 'try-later' }), '451 4.3.0');
});

test('an alias is its one local target, or the one that the agent named', () => {
  const one = { address: 'u1@blue.test', account: account('1') };
  const two = { address: 'u2@blue.test', account: account('2') };
  assert.equal(code(alias(one)), '1');
  assert.equal(code(alias(one, two), '2'), '2');
  assert.equal(code(alias(one, two)), '451 4.3.5');
  assert.equal(code(alias({ address: 'far@away.test' })), '451 4.3.5');
});
