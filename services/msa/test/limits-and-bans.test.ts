/** Who has sent enough for now, and who is not heard at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitLabel, limitReply } from '../src/phases/limits.ts';
import { base64, startWorld } from './stub-world.ts';

const BEGIN = `
  S: 220 ...
  C: EHLO client.test
  S: ...
  S: 250 AUTH PLAIN LOGIN
  C: AUTH PLAIN ${base64('\0alice@red.test\0sesame')}
  S: 235 ...
  C: MAIL FROM:<alice@red.test>
  S: 250 ...
  C: RCPT TO:<bob@blue.test>
  S: 250 ...
  C: RCPT TO:<all@local.test>
  S: 250 ...
  C: RCPT TO:<nobody@red.test>
  S: 550 ...`;

test('a message is counted with the recipients that were taken, before it is sent', async () => {
  await using world = await startWorld();
  await world.play(`${BEGIN}
    C: DATA
    S: 354 ...
    C: From: alice@red.test
    C:
    C: x
    C: .
    S: 250 2.0.0 ...
    C: MAIL FROM:<alice@red.test>
    S: 250 ...
    C: RCPT TO:<bob@blue.test>
    S: 250 ...
    C: DATA
    S: 354 ...
    C: From: alice@red.test
    C:
    C: x
    C: .
    S: 250 2.0.0 ...`);
  assert.deepEqual(world.auth.spent, [
    { accountId: '1', recipients: 2 },
    { accountId: '1', recipients: 1 },
  ]);
});

test('beyond a limit DATA is put off in the limit’s words, and goes once there is room', async () => {
  await using world = await startWorld();
  world.auth.spends = { status: 'limited', limit: '500 messages per hour', retryAfter: 700 };
  await world.play(`${BEGIN}
    C: DATA
    S: 451 4.7.1 The limit of your account is reached: 500 messages per hour; try again in 12 minutes
    C: NOOP
    S: 250 ...`);
  world.auth.spends = { status: 'held' };
  await world.play(`${BEGIN}
    C: DATA
    S: 451 4.7.1 Your account may not send for now, ask whoever runs this server`);
  world.auth.spends = { status: 'try-later' };
  await world.play(`${BEGIN}
    C: DATA
    S: 451 4.3.0 ...`);
  assert.deepEqual(world.drafts, []);
  assert.deepEqual(
    world.events.filter((one) => one.startsWith('limited') || one.startsWith('refused')),
    ['limited alice@red.test limited 4.7.1', 'limited alice@red.test held 4.7.1', 'refused 4.3.0'],
  );
});

test('limits in words, without figures in the metric', () => {
  const limited = { status: 'limited', limit: '2000 recipients per day', retryAfter: 30_000 } as const;
  assert.match(limitReply(limited).lines[0] ?? '', /2000 recipients per day; try again in 9 hours$/);
  assert.equal(limitLabel(limited), 'recipients per day');
  assert.equal(limitLabel({ status: 'held' }), 'held');
  assert.match(limitReply({ ...limited, retryAfter: 0 }).lines[0] ?? '', /in a minute$/);
});

test('a banned network is told so in place of a greeting, and nothing else', async () => {
  await using world = await startWorld(false, undefined, { banned: 'guessed 300 passwords' });
  await world.play(`
    S: 554 5.7.1 msa.red.test does not talk to your network
    S closed`);
  await using secure = await startWorld(true, undefined, { banned: 'by hand' });
  await secure.play(`
    S: 554 5.7.1 ...
    S closed`);
  assert.deepEqual(world.events, ['banned 127.0.0.1: guessed 300 passwords']);
});
