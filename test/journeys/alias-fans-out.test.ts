import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { message, TestWorld } from './a-world.ts';

const t = await TestWorld.start();
after(() => t[Symbol.asyncDispose]());

test('an alias reaches each of its mailboxes once, by whichever way it is named', async () => {
  const carol = await t.world.addUser('carol@red.test');
  await t.world.addAlias('team@red.test', ['alice@red.test', 'carol@red.test', 'all@red.test']);
  await t.world.addAlias('all@red.test', ['alice+list@red.test', 'bob@blue.test']);
  assert.equal(
    await t.send(
      t.mx,
      'stranger@slow.test',
      'team@red.test',
      message({ From: 'stranger@slow.test', 'Message-ID': '<team@slow.test>' }),
    ),
    undefined,
  );
  for (const user of [t.alice, t.bob, carol]) await t.inbox(user, 1);
  await t.world.quiet();
  for (const user of [t.alice, t.bob, carol]) assert.equal((await t.inbox(user)).length, 1, user.address);
  const view = await t.journey('<team@slow.test>', (one) =>
    one.recipients.every((rcpt) => rcpt.state === 'delivered'),
  );
  assert.equal(view.recipients.length, 3);
});

test('a local part with a tag reaches the mailbox without it, in any case', async () => {
  const before = (await t.inbox(t.bob)).length;
  assert.equal(
    await t.send(t.mx, 'stranger@slow.test', 'Bob+News@BLUE.test', message({ From: 'stranger@slow.test' })),
    undefined,
  );
  assert.equal((await t.inbox(t.bob, before + 1)).length, before + 1);
});

test('postmaster is always somebody', async () => {
  assert.equal(
    await t.send(t.mx, 'stranger@slow.test', 'postmaster@red.test', message({ From: 'stranger@slow.test' })),
    undefined,
  );
  assert.equal(
    await t.send(t.mx, 'stranger@slow.test', 'postmaster', message({ From: 'stranger@slow.test' })),
    undefined,
  );
  await t.world.quiet();
});
