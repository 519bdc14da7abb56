import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import type { SpendResponse } from '@waybill/auth-client';
import { openPool } from '@waybill/postgres';
import { startAuth } from './running-auth.ts';

/** How much an account may send, counted by two replicas on one database. */
const settings = {
  WAYBILL_SEND_MESSAGES_HOUR: 40,
  WAYBILL_SEND_MESSAGES_DAY: 60,
  WAYBILL_SEND_RECIPIENTS_HOUR: 200,
  WAYBILL_SEND_RECIPIENTS_DAY: 300,
  WAYBILL_SEND_HOLD_AFTER: 10,
};
const auth = await startAuth(settings);
const other = await startAuth(settings, auth);
const pool = openPool(auth.db.url, { size: 1 });
after(async () => {
  await pool.end();
  await other[Symbol.asyncDispose]();
  await auth[Symbol.asyncDispose]();
});
/** Counting is looked at here, and not how busy the machine is. */
const patient = { deadlineMs: 20_000 };
const operator = await auth.operator();
const [one, two] = [await auth.clientAs('msa', patient), await other.clientAs('msa', patient)];
await operator.call('domains/add', { name: 'red.test' });

async function account(name: string): Promise<{ id: string; address: string }> {
  const address = `${name}@red.test`;
  return { id: (await operator.call('accounts/add', { address })).accountId, address };
}
const spend = (accountId: string, recipients = 1, by = one): Promise<SpendResponse> =>
  by.spend({ accountId, recipients });
const said = (answer: SpendResponse): string => (answer.status === 'limited' ? answer.limit : answer.status);

test('two replicas together let exactly the limit through', async () => {
  const { id } = await account('alice');
  const answers = await Promise.all(
    Array.from({ length: 48 }, (_, i) => spend(id, 1, i % 2 === 0 ? one : two)),
  );
  assert.equal(answers.filter(({ status }) => status === 'ok').length, 40);
  const limited = answers.find((answer) => answer.status === 'limited');
  assert.ok(limited?.status === 'limited');
  assert.equal(limited.limit, '40 messages per hour');
  assert.ok(limited.retryAfter > 3500 && limited.retryAfter <= 3900, String(limited.retryAfter));
});

test('recipients are counted apart, and the limit that takes longest is said', async () => {
  const { id } = await account('bob');
  assert.equal(said(await spend(id, 150)), 'ok');
  assert.equal(said(await spend(id, 51)), '200 recipients per hour');
  assert.equal(said(await spend(id, 50)), 'ok');
  assert.equal(said(await spend(id, 301)), '300 recipients per day');
});

test('there is room again when the hour has moved on, until the day is full', async () => {
  const { id } = await account('carol');
  const fill = async (): Promise<string> => {
    for (;;) {
      const answer = said(await spend(id));
      if (answer !== 'ok') return answer;
    }
  };
  assert.equal(await fill(), '40 messages per hour');
  // What was counted becomes an hour and a slot older.
  await pool.query(
    'update directory.sent set hour_slot = hour_slot - 13, day_slot = day_slot - 2 where account_id = $1',
    [id],
  );
  assert.equal(await fill(), '60 messages per day');
  await pool.query(
    'update directory.sent set hour_slot = hour_slot - 13, day_slot = day_slot - 25 where account_id = $1',
    [id],
  );
  assert.equal(said(await spend(id)), 'ok');
});

test('room comes bit by bit: the wait ends when enough old slots are gone', async () => {
  const { id, address } = await account('dora');
  await operator.call('accounts/set-limits', { address, recipientsPerDay: 0 });
  for (const [recipients, age] of [
    [100, 6],
    [100, 0],
  ] as const) {
    assert.equal(said(await spend(id, recipients)), 'ok');
    await pool.query('update directory.sent set hour_slot = hour_slot - $2 where account_id = $1', [id, age]);
  }
  const wait = async (recipients: number): Promise<number> => {
    const answer = await spend(id, recipients);
    return answer.status === 'limited' ? answer.retryAfter : 0;
  };
  const [some, all] = [await wait(100), await wait(200)];
  assert.ok(some > 1800 && some <= 2100, String(some));
  assert.ok(all > 3600 && all <= 3900, String(all));
});

test('an account has limits of its own, and 0 is none', async () => {
  const { id, address } = await account('eve');
  const unlimited = { messagesPerHour: 0, messagesPerDay: 0, recipientsPerHour: 0, recipientsPerDay: 0 };
  await operator.call('accounts/set-limits', { address, ...unlimited });
  assert.equal(said(await spend(id, 100_000)), 'ok');
  await operator.call('accounts/set-limits', { address, messagesPerDay: 1 });
  assert.equal(said(await spend(id)), '1 messages per day');
  await operator.call('accounts/set-limits', { address, messagesPerDay: null });
  assert.equal(said(await spend(id)), 'ok');
});

test('an account that goes on beyond its limit is held, by every replica, until it is released', async () => {
  const { id, address } = await account('mallory');
  await operator.call('accounts/set-limits', { address, messagesPerHour: 1 });
  assert.equal(said(await spend(id)), 'ok');
  const answers: string[] = [];
  for (let i = 0; i < 10; i++) answers.push(said(await spend(id)));
  assert.deepEqual(answers, [...Array<string>(9).fill('1 messages per hour'), 'held']);
  assert.equal(said(await spend(id, 1, two)), 'held');
  assert.ok(auth.lines.some((line) => line['account'] === id && line['limit'] === undefined));
  const listed = await Array.fromAsync(operator.accounts());
  assert.match(
    listed.find((one) => one.address === address)?.held ?? '',
    /beyond its limit of 1 messages per hour/,
  );
  await operator.call('accounts/set-limits', { address, messagesPerHour: 0 });
  await operator.call('accounts/release', { address });
  assert.equal(said(await spend(id)), 'ok');
});

test('who is suspended, gone or never was sends nothing', async () => {
  const { id, address } = await account('frank');
  await operator.call('accounts/set-state', { address, state: 'suspended' });
  assert.equal(said(await spend(id)), 'held');
  await operator.call('accounts/remove', { address });
  assert.equal(said(await spend(id)), 'held');
  assert.equal(said(await spend('999999')), 'held');
  assert.equal(said(await spend('1; drop table')), 'held');
});

test('many accounts at once are counted apart', async () => {
  const accounts = await Promise.all(Array.from({ length: 20 }, (_, i) => account(`user${i}`)));
  const answers = await Promise.all(
    accounts.flatMap(({ id }) => Array.from({ length: 42 }, (_, i) => spend(id, 1, i % 2 === 0 ? one : two))),
  );
  const counts = Map.groupBy(answers, ({ status }) => status);
  const found = [...counts].map(([status, of]) => [status, of.length]);
  assert.deepEqual(Object.fromEntries(found), { ok: 20 * 40, limited: 20 * 2 });
});
