import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { message, TestWorld } from './a-world.ts';

/** The most repeated mistake of newcomers must be harmless: the machine is called like the mail domain. */
const name = { WAYBILL_HOSTNAME: 'red.test' };
const t = await TestWorld.start({ extra: { mx: name, msa: name, mta: name, mda: name, mra: name } });
after(() => t[Symbol.asyncDispose]());

test('mail comes in, goes between our domains, and bounces come home', async () => {
  assert.equal(
    await t.send(t.mx, 'stranger@slow.test', 'alice@red.test', message({ From: 'stranger@slow.test' })),
    undefined,
  );
  assert.equal((await t.inbox(t.alice, 1)).length, 1);
  assert.equal(
    await t.send(t.submission(t.bob), 'bob@blue.test', 'alice@red.test', message({ From: 'bob@blue.test' })),
    undefined,
  );
  assert.equal((await t.inbox(t.alice, 2)).length, 2);
  assert.equal(
    await t.send(
      t.submission(t.alice),
      'alice@red.test',
      'x@reject.test',
      message({ From: 'alice@red.test' }),
    ),
    undefined,
  );
  assert.match((await t.inbox(t.alice, 3)).at(-1) ?? '', /Reporting-MTA: dns; ?red\.test/);
});
