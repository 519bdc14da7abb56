import { parseArgs } from 'node:util';
import { isExact, report, settle } from './report.ts';
import { docker } from './project.ts';
import { say, Trial } from './trial.ts';

/**
 * Trouble under load, with a ledger: a container paused, one cut off its networks, Redis removed and
 * made anew with its volume, Postgres restarted.
 *
 *     node test/compose/trouble.ts [--rate 20] [--only pause,cut,redis,postgres] [--keep]
 *
 * Clients may notice; nobody lends a hand. Exit code 0 only if all goes on by itself within the time
 * told here, and every acknowledged message is in its mailbox once.
 */
const { values } = parseArgs({
  options: {
    name: { type: 'string', default: 'waybill-trouble' },
    net: { type: 'string', default: '42' },
    rate: { type: 'string', default: '20' },
    accounts: { type: 'string', default: '10' },
    idle: { type: 'string', default: '50' },
    logins: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '20' },
    only: { type: 'string' },
    image: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const LAST_MS = Number(values.seconds) * 1000;
/** How long after the trouble's end all must be well again. */
const RECOVERY_MS = 90_000;

const trial = await Trial.begin({
  name: values.name,
  net: Number(values.net),
  accounts: Number(values.accounts),
  rate: Number(values.rate),
  idle: Number(values.idle),
  logins: Number(values.logins),
  image: values.image,
});
try {
  process.exitCode = (await main()) ? 0 : 1;
} finally {
  if (values.keep) say(`left up: docker compose -p ${values.name} …`);
  else await trial.end();
}

async function main(): Promise<boolean> {
  const recoveries: string[] = [];
  const trouble = async (kind: string, name: string, act: () => Promise<unknown>): Promise<void> => {
    if (values.only !== undefined && !values.only.split(',').includes(kind)) return;
    let ended = 0;
    await trial.step(
      name,
      async () => {
        await act();
        ended = Date.now();
        await trial.allWell(RECOVERY_MS);
      },
      0,
    );
    recoveries.push(`${name}: all well ${((Date.now() - ended) / 1000).toFixed(1)} s after its end`);
  };
  await trial.step('as it starts', async () => {}, 5000);
  for (const agent of ['mda', 'mx', 'auth', 'mra'])
    await trouble('pause', `${agent} paused`, async () => {
      const [id = ''] = await trial.project.containers(agent);
      await docker(['pause', id]);
      await during();
      await docker(['unpause', id]);
    });
  for (const agent of ['mta', 'msa']) await trouble('cut', `${agent} cut off`, () => cutOff(agent));
  await trouble('redis', 'Redis made anew', async () => {
    await trial.project.compose(['rm', '--stop', '--force', 'redis']);
    await docker(['volume', 'rm', `${trial.project.name}_redis`]);
    await during();
    await trial.project.compose(['up', '-d', '--wait', '--no-deps', 'redis']);
  });
  await trouble('postgres', 'Postgres restarted', () => trial.project.compose(['restart', 'postgres']));
  await trouble('postgres', 'Postgres killed', async () => {
    await trial.project.compose(['kill', 'postgres']);
    await trial.project.compose(['up', '-d', '--wait', '--no-deps', 'postgres']);
  });

  const outcome = await settle(trial);
  report(trial, outcome, new Map(), 'noticed');
  for (const line of recoveries) console.log(line);
  const exact = isExact(outcome);
  console.log(exact ? 'EXACT, and well again without a hand' : 'NOT EXACT');
  return exact;
}

/** Takes an agent's container off all its networks, and puts it back under the names that it had. */
async function cutOff(agent: string): Promise<void> {
  const [id = ''] = await trial.project.containers(agent);
  const text = await docker(['inspect', '--format={{json .NetworkSettings.Networks}}', id]);
  const networks = Object.keys(JSON.parse(text) as Record<string, unknown>);
  for (const network of networks) await docker(['network', 'disconnect', '--force', network, id]);
  await during();
  for (const network of networks) await docker(['network', 'connect', '--alias', agent, network, id]);
}

function during(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LAST_MS));
}
