import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { traceJourney } from '@waybill/journey';
import { openPool } from '@waybill/postgres';
import { message } from './a-world.ts';
import { twoMachines } from './two-machines.ts';

const t = await twoMachines({
  hop: (door, authority) => ({
    mta: {
      WAYBILL_RELAY_URL: door.replaceAll(/(?=,|$)/g, '?agent'),
      WAYBILL_MTA_CA_FILE: authority,
    },
  }),
});
after(() => t[Symbol.asyncDispose]());

test('an mta uses another machine’s mta as its smart host: two spools, one delivery, one journey', async () => {
  const { here, there } = t;
  await there.world.addDomain('local.test');
  const carol = await there.world.addUser('carol@local.test');
  const dan = await there.world.addUser('dan@local.test');
  await there.world.addAlias('both@local.test', [carol.address, dan.address]);
  const text = message({ From: 'alice@red.test', To: 'both@local.test', 'Message-ID': '<relay@red.test>' });
  const door = here.submission(here.alice);
  assert.equal(await here.send(door, here.alice.address, 'both@local.test', text), undefined);
  for (const reader of [carol, dan]) {
    const [received = ''] = await there.inbox(reader, 1);
    assert.equal(received.match(/^Received: /gm)?.length, 2, 'msa here, mta there');
  }
  await there.journey('<relay@red.test>', (view) =>
    view.recipients.every(({ state }) => state === 'delivered'),
  );
  await here.journey('<relay@red.test>', (view) => view.steps.some(({ nextId }) => nextId !== undefined));
  const machines = [here, there].map((world, i) => ({
    name: i === 0 ? 'here' : 'there',
    pool: openPool(world.operatorEnv['WAYBILL_DATABASE_URL'] ?? '', { size: 1 }),
  }));
  try {
    const [view] = await traceJourney(machines, '<relay@red.test>');
    assert.equal(view?.ids.length, 2, 'the ids of both spools are joined');
    const carried = view?.steps.filter(({ kind }) => kind !== 'mra.fetch');
    const who = carried?.map(({ machine, agent }) => `${machine} ${agent}`);
    assert.deepEqual([...new Set(who)].toSorted(), ['here msa', 'here mta', 'there mda', 'there mta']);
    assert.deepEqual(
      view?.recipients
        .filter(({ state }) => state === 'delivered')
        .map(({ address }) => address)
        .toSorted(),
      ['carol@local.test', 'dan@local.test'],
    );
  } finally {
    for (const { pool } of machines) await pool.end();
  }
});
