import assert from 'node:assert/strict';
import test from 'node:test';
import type { SpendRequest, SpendResponse } from '@waybill/auth-client';
import type { Resolved } from '../resolve.ts';
import { decide, type PolicyParts } from './policy.ts';

const ANN = { accountId: '7', address: 'ann@red.test', quotaBytes: 0, quotaMessages: 0 };

function parts(
  outcome: SpendResponse,
  resolved: Partial<Resolved> = {},
): PolicyParts & { spent: SpendRequest[] } {
  const spent: SpendRequest[] = [];
  return {
    spent,
    spend: async (request) => {
      spent.push(request);
      return outcome;
    },
    bannedFor: (address) => (address === '192.0.2.66' ? 'sent spam\nfor days' : undefined),
    directory: {
      resolve: async () => ({
        resolution: { status: 'mailbox', account: ANN, route: 'local' },
        tooLarge: false,
        soleOwner: { accountId: '7', active: true },
        ...resolved,
      }),
      domain: async () => undefined,
      granted: async () => [],
    },
  };
}

const asked = (attributes: Record<string, string>): ReadonlyMap<string, string> =>
  new Map(Object.entries({ client_address: '198.51.100.9', ...attributes }));
const DATA = { protocol_state: 'DATA', sasl_username: 'ann@red.test', recipient_count: '3' };

test('a message of an account is counted with its recipients, and passed', async () => {
  const its = parts({ status: 'ok' });
  assert.equal((await decide(asked(DATA), false, its)).action, 'DUNNO');
  assert.deepEqual(its.spent, [{ accountId: '7', recipients: 3 }]);
});

test('nothing is counted at RCPT, without a login, or a second time', async () => {
  const its = parts({ status: 'ok' });
  for (const attributes of [
    { ...DATA, protocol_state: 'RCPT' },
    { ...DATA, sasl_username: '' },
    { protocol_state: 'DATA' },
  ])
    assert.equal((await decide(asked(attributes), false, its)).action, 'DUNNO');
  assert.equal(
    (await decide(asked({ ...DATA, protocol_state: 'END-OF-MESSAGE' }), true, its)).action,
    'DUNNO',
  );
  assert.deepEqual(its.spent, []);
});

test('a limit is told in words, with a temporary code', async () => {
  const { action } = await decide(
    asked(DATA),
    false,
    parts({ status: 'limited', limit: '500 messages per hour', retryAfter: 90 }),
  );
  assert.equal(
    action,
    '451 4.7.1 The limit of 500 messages per hour is reached; there is room again in 2 min',
  );
});

test('a held account waits, a suspended or removed one is refused, trouble is put off', async () => {
  assert.match(
    (await decide(asked(DATA), false, parts({ status: 'held' }))).action,
    /^451 4\.7\.1 .*on hold/,
  );
  const suspended = parts({ status: 'ok' }, { soleOwner: { accountId: '7', active: false } });
  assert.match((await decide(asked(DATA), false, suspended)).action, /^REJECT 5\.7\.1 /);
  const unknown = parts({ status: 'ok' }, { resolution: { status: 'unknown' }, soleOwner: undefined });
  assert.match((await decide(asked(DATA), false, unknown)).action, /^REJECT 5\.7\.1 /);
  const away = parts({ status: 'ok' }, { resolution: { status: 'try-later' }, soleOwner: undefined });
  assert.match((await decide(asked(DATA), false, away)).action, /^DEFER_IF_PERMIT 4\.3\.0 /);
  assert.match(
    (await decide(asked(DATA), false, parts({ status: 'try-later' }))).action,
    /^DEFER_IF_PERMIT 4\.3\.0 /,
  );
  assert.deepEqual([...suspended.spent, ...unknown.spent, ...away.spent], []);
});

test('a banned client is refused in every state, with the reason on one line', async () => {
  const banned = asked({ ...DATA, protocol_state: 'RCPT', client_address: '192.0.2.66' });
  assert.equal(
    (await decide(banned, false, parts({ status: 'ok' }))).action,
    'REJECT 5.7.1 sent spam for days',
  );
});

test('a count of recipients that is none is one', async () => {
  for (const recipient_count of ['0', '', 'x', '-3']) {
    const its = parts({ status: 'ok' });
    await decide(asked({ ...DATA, recipient_count }), false, its);
    assert.equal(its.spent[0]?.recipients, 1);
  }
});
