import { parseArgs } from 'node:util';
import { isExact, report, settle, verdicts } from './report.ts';
import { ENOUGH, sharesOfNew, type Share, WINDOW_MS } from './shares.ts';
import { AGENTS, SAMPLER, say, Trial } from './trial.ts';
import { samplesOf } from './trial-clients.ts';

/**
 * Scaled, restarted and rolled under load, with a ledger:
 *
 *     node test/compose/scale.ts [--rate 40] [--only mx,restart] [--keep]
 *
 * Exit code 0 only if every acknowledged message is in its mailbox once, every trace shows its client,
 * no client met anything but a goodbye at a boundary, and every new replica soon did its part.
 */
const { values } = parseArgs({
  options: {
    name: { type: 'string', default: 'waybill-scale' },
    net: { type: 'string', default: '41' },
    rate: { type: 'string', default: '40' },
    messages: { type: 'string', default: '20000' },
    accounts: { type: 'string', default: '20' },
    idle: { type: 'string', default: '200' },
    logins: { type: 'string', default: '4' },
    /** An image that is there already, instead of building one. */
    image: { type: 'string' },
    /** Of the steps, those that name one of these: agents, `scale`, `restart`, `roll`. */
    only: { type: 'string' },
    /** Leaves the project up, for a look. */
    keep: { type: 'boolean', default: false },
  },
});

type Agent = (typeof AGENTS)[number];
const SCALES: readonly (readonly [Agent, readonly number[]])[] = [
  ['mx', [4, 2]],
  ['mda', [3, 1]],
  ['mta', [3, 1]],
  ['mra', [3, 1]],
  ['auth', [2, 1]],
];
/** How long the load goes on after a step that adds replicas: the window of their shares, and a little. */
const HOLD_MS = WINDOW_MS + 3000;
const SETTLE_MS = 8000;

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
  const shares = new Map<string, readonly Share[]>();
  const expected = new Map<string, number>();
  const count = new Map<string, number>(AGENTS.map((agent) => [agent, 1]));
  await trial.step('as it starts', async () => {}, SETTLE_MS);
  for (const [agent, sizes] of SCALES) {
    for (const size of sizes) {
      const before = count.get(agent) ?? 1;
      const name = `scale ${agent} ${before} → ${size}`;
      if (!wanted('scale', agent)) continue;
      await trial.step(
        name,
        () =>
          trial.project.compose(['up', '-d', '--wait', '--no-deps', '--scale', `${agent}=${size}`, agent]),
        size > before ? HOLD_MS : SETTLE_MS,
      );
      count.set(agent, size);
      if (size > before) expected.set(name, size - before);
    }
  }
  for (const agent of AGENTS)
    if (wanted('restart', agent))
      await trial.step(`restart ${agent}`, () => trial.project.compose(['restart', agent]), SETTLE_MS);
  for (const agent of AGENTS)
    if (wanted('roll', agent))
      await trial.step(`roll ${agent}`, () => trial.project.script('deploy/roll.sh', [agent]), SETTLE_MS);
  await trial.step(
    `until ${values.messages} are acknowledged`,
    () => trial.untilAcknowledged(Number(values.messages)),
    0,
  );

  const outcome = await settle(trial);
  const samples = samplesOf(trial.folder, SAMPLER);
  for (const step of trial.steps) {
    if (!expected.has(step.name)) continue;
    const agent = step.name.split(' ')[1] ?? '';
    shares.set(step.name, sharesOfNew(samples, agent, step.from, step.to));
  }
  report(trial, outcome, shares);

  const faults: string[] = [];
  if (!isExact(outcome)) faults.push('the ledger is not exact');
  if (outcome.acknowledged < Number(values.messages))
    faults.push(`fewer than ${values.messages} were acknowledged`);
  if (verdicts(trial).some((verdict) => verdict.forbidden.size > 0))
    faults.push('clients met more than goodbyes');
  for (const [step, replicas] of expected) {
    const its = shares.get(step) ?? [];
    if (its.length !== replicas) faults.push(`${step}: ${its.length} of ${replicas} new replicas were seen`);
    if (its.some((share) => share.ofFairShare < ENOUGH)) faults.push(`${step}: a new replica did too little`);
  }
  console.log(faults.length === 0 ? 'EXACT, and nobody noticed' : `NOT AS PROMISED: ${faults.join('; ')}`);
  return faults.length === 0;
}

/** Whether a step was asked for. */
function wanted(kind: string, agent: string): boolean {
  if (values.only === undefined) return true;
  const words = values.only.split(',');
  const kinds = words.filter((word) => ['scale', 'restart', 'roll'].includes(word));
  const agents = words.filter((word) => !kinds.includes(word));
  return (kinds.length === 0 || kinds.includes(kind)) && (agents.length === 0 || agents.includes(agent));
}
