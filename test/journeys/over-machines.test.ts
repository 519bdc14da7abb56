import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import test, { after } from 'node:test';
import { promisify } from 'node:util';
import { message } from './a-world.ts';
import { twoMachines } from './two-machines.ts';

const t = await twoMachines({
  hop: (door, authority) => ({
    msa: { WAYBILL_HANDOFF: door, WAYBILL_HANDOFF_CA_FILE: authority },
    // Without a database: it has nothing to keep, and its journey begins at the next machine.
    mx: { WAYBILL_HANDOFF: door, WAYBILL_HANDOFF_CA_FILE: authority, WAYBILL_DATABASE_URL: '' },
  }),
});
after(() => t[Symbol.asyncDispose]());
const run = promisify(execFile);
const TOOL = path.join(import.meta.dirname, '../../packages/cli/src/main.ts');

async function journey(key: string, databases: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [
    TOOL,
    'journey',
    key,
    ...databases.flatMap((one) => ['--database', one]),
  ]);
  return stdout;
}

const urlOf = (world: typeof t.here): string => world.operatorEnv['WAYBILL_DATABASE_URL'] ?? '';

test('a writer here, a reader there: one id over both machines, and one journey', async () => {
  const { here, there } = t;
  // Carol is in the other machine's directory alone.
  await there.world.addDomain('local.test');
  const carol = await there.world.addUser('carol@local.test');
  const text = message({ From: 'alice@red.test', To: carol.address, 'Message-ID': '<over@red.test>' });
  assert.equal(
    await here.send(here.submission(here.alice), here.alice.address, carol.address, text),
    undefined,
  );
  const [received = ''] = await there.inbox(carol, 1);
  const trace = received.match(/^Received: (?:.*\r\n[ \t])*.*\r\n/gm) ?? [];
  assert.equal(trace.length, 2, 'msa here and mta there each wrote one trace field');
  assert.match(trace[0] ?? '', /with\s+ESMTPS\s+id/);
  const ids = trace.map((field) => /\sid\s+([0-9a-f-]{36})/.exec(field)?.[1]);
  assert.equal(ids[0], ids[1], 'the id is the same on both machines');

  await there.journey('<over@red.test>', (view) => view.steps.some((step) => step.kind === 'store.append'));
  const drawn = await journey('<over@red.test>', [`here=${urlOf(here)}`, `there=${urlOf(there)}`]);
  for (const line of [
    /here\s+MSA .* data\.accept/,
    /here\s+MSA .* handed\.on/,
    /there\s+MTA .* data\.accept/,
    /there\s+MDA .* store\.append/,
  ])
    assert.match(drawn, line);
  assert.match(drawn, /carol@local\.test: delivered/);
});

test('one of the databases is away: the journey says so, and draws what it can', async () => {
  const gone = 'postgres://nobody@127.0.0.1:1/nothing';
  const drawn = await journey('<over@red.test>', [`here=${urlOf(t.here)}`, `gone=${gone}`]);
  assert.match(drawn, /handed\.on/);
  assert.match(drawn, /gone could not be asked/);
});

test('mail of strangers comes in here and is filed there; who is not ours is refused here', async () => {
  const { here, there } = t;
  const text = message({ From: 'x@else.test', To: there.bob.address, 'Message-ID': '<stranger@else.test>' });
  assert.equal(await here.send(here.mx, 'x@else.test', there.bob.address, text), undefined);
  assert.equal((await there.inbox(there.bob, 1)).length, 1);
  assert.match((await here.send(here.mx, 'x@else.test', 'who@away.test', text)) ?? '', /^550 5\.7\.1 /);
});

test('who is unknown there only is refused at the end, and nobody gets anything', async () => {
  const { here } = t;
  const text = message({
    From: 'alice@red.test',
    To: 'nobody@local.test',
    'Message-ID': '<unknown@red.test>',
  });
  const refused = await here.send(here.submission(here.alice), here.alice.address, 'nobody@local.test', text);
  assert.match(refused ?? '', /^550 5\.1\.1 /);
});
