import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reply } from '@waybill/smtp';
import type { Phase, RecipientOutcome } from '@waybill/smtp/client';
import { isHostTrouble, verdictOf } from './outcome.ts';

function replied(phase: Phase, code: number, enhanced = ''): RecipientOutcome {
  return { kind: 'replied', phase, reply: reply(code, enhanced, 'text') };
}

test('only 2yz after the dot is a delivery', () => {
  assert.equal(verdictOf(replied('message', 250)).kind, 'delivered');
  for (const code of [354, 399, 450, 421])
    assert.equal(verdictOf(replied('message', code)).kind, 'retry', `${code}`);
});

test('5yz refuses the message in every phase that is about it, the host in the others', () => {
  for (const phase of ['mail', 'rcpt', 'data', 'message'] as const)
    assert.equal(verdictOf(replied(phase, 550)).kind, 'failed', phase);
  for (const phase of ['greeting', 'hello', 'tls', 'auth'] as const) {
    assert.equal(verdictOf(replied(phase, 554)).kind, 'retry', phase);
    assert.ok(isHostTrouble(replied(phase, 554)));
  }
});

test('552 to RCPT may mean too many recipients', () => {
  assert.equal(verdictOf(replied('rcpt', 552)).kind, 'retry');
  assert.equal(verdictOf(replied('rcpt', 552, '5.2.2')).kind, 'failed');
  assert.equal(verdictOf(replied('message', 552)).kind, 'failed');
});

test('a lost connection is tried again; it is unknown only after the dot', () => {
  const lost = (unknown: boolean): RecipientOutcome => ({
    kind: 'lost',
    phase: unknown ? 'message' : 'rcpt',
    unknown,
    cause: 'ECONNRESET',
  });
  assert.equal(verdictOf(lost(true)).unknown, true);
  assert.equal(verdictOf(lost(false)).unknown, false);
  assert.equal(isHostTrouble(lost(true)), false);
  assert.equal(isHostTrouble(lost(false)), true);
  assert.deepEqual(
    [lost(true), lost(false)].map((one) => verdictOf(one).kind),
    ['retry', 'retry'],
  );
});
