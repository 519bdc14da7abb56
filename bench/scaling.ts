import { setTimeout as pause } from 'node:timers/promises';
import type { AgentName } from '@waybill/lab';
import type { JobResult } from './clients/job.ts';
import type { LoadClient } from './clients/load-client.ts';
import { limitOf } from './measure/limit.ts';
import { Meter, type Spent } from './measure/meter.ts';
import { processesOf, type SuiteInLab, startSuiteInLab } from './peers/suite-in-lab.ts';
import { known, knownOf, type Mode, type ScalingStep } from './results.ts';
import { countOf, ROWS, type Row, SCALES } from './rows.ts';
import type { Tools } from './sampling.ts';

/**
 * One agent at 1, 2 and 4 replicas, all others at one: how the rate follows, and who is at the limit. On a machine
 * with few cores it is soon the machine; then the table says how little the agent itself was the reason.
 */

interface Subject {
  readonly agent: AgentName;
  readonly row: string;
  readonly what: string;
  /** Accepts everything while these stand still, then measures how fast they work it off. */
  readonly backlog?: AgentName;
}

const SUBJECTS: readonly Subject[] = [
  {
    agent: 'mx',
    row: 'deliver-5k',
    what: 'messages accepted per second, mta at a standstill',
    backlog: 'mta',
  },
  {
    agent: 'msa',
    row: 'relay-5k',
    what: 'submissions accepted per second, mta at a standstill',
    backlog: 'mta',
  },
  { agent: 'mta', row: 'deliver-5k', what: 'messages of a backlog delivered per second', backlog: 'mta' },
  { agent: 'mda', row: 'deliver-5k', what: 'messages of a backlog delivered per second', backlog: 'mta' },
  { agent: 'mra', row: 'store', what: 'STORE per second, 20 sessions' },
  { agent: 'mra', row: 'login', what: 'logins per second' },
  { agent: 'auth', row: 'login', what: 'logins per second' },
];

export const REPLICAS = [1, 2, 4] as const;

export async function scaling(plan: {
  readonly mode: Mode;
  readonly agents: readonly string[];
  readonly tools: Tools;
  readonly say: (line: string) => void;
}): Promise<ScalingStep[]> {
  const steps: ScalingStep[] = [];
  const { tools } = plan;
  for (const replicas of REPLICAS) {
    for (const agent of new Set(SUBJECTS.map((subject) => subject.agent))) {
      if (plan.agents.length > 0 && !plan.agents.includes(agent)) continue;
      await using suite = await startSuiteInLab({
        readers: 20,
        sinkPort: tools.sink.port,
        replicas: { [agent]: replicas },
      });
      const meter = new Meter(processesOf(suite.world), `${agent}-at-${replicas}`, tools.groups);
      for (const subject of SUBJECTS) {
        if (subject.agent !== agent) continue;
        const row = ROWS.find((one) => one.id === subject.row);
        if (row === undefined) continue;
        const step = await stepOf(subject, row, suite, meter, replicas, plan.mode, tools);
        plan.say(`${agent} × ${replicas}: ${step.rate.toFixed(0)} ${subject.what}; limit: ${step.limit}`);
        steps.push(step);
      }
    }
  }
  // By agent, so that 1, 2 and 4 stand under each other.
  return SUBJECTS.flatMap(({ agent, what }) =>
    steps.filter((step) => step.agent === agent && step.what === what),
  );
}

async function stepOf(
  subject: Subject,
  row: Row,
  suite: SuiteInLab,
  meter: Meter,
  replicas: number,
  mode: Mode,
  tools: Tools,
): Promise<ScalingStep> {
  const count = countOf(row, mode);
  let measured: Measured = { done: 0, seconds: Number.NaN, spent: undefined, client: 0, faults: {} };
  try {
    if (subject.row === 'store') await prefill(suite, tools.client);
    await load(subject, row, suite, meter, Math.ceil(count / 4), tools);
    const tries: Measured[] = [];
    for (let left = REPEATS[mode]; left > 0; left--) {
      const one = await load(subject, row, suite, meter, count, tools);
      tries.push(one);
      // A fault is not averaged away.
      if (Object.keys(one.faults).length > 0) break;
    }
    measured = middleOf(tries) ?? measured;
  } catch (error) {
    measured = { ...measured, faults: { [(error as Error).message]: 1 } };
  }
  const { spent, seconds } = measured;
  const cores = new Map(
    [...(spent?.parts ?? [])].map(([label, ms]) => [label, ms / 1000 / seconds] as const),
  );
  const machine = (spent?.machineMs ?? Number.NaN) / 1000 / seconds;
  return {
    agent: subject.agent,
    replicas,
    what: subject.what,
    rate: Number.isNaN(seconds) ? 0 : measured.done / seconds,
    cores: knownOf(cores),
    clientCores: measured.client,
    machineCores: known(machine),
    limit: limitOf({ processes: cores, client: measured.client, machine, machineCores: tools.cores }),
    faults: measured.faults,
  };
}

/** How often each step is measured. */
const REPEATS: Readonly<Record<Mode, number>> = { tiny: 1, quick: 1, full: 3 };

/** The one with a fault, else the one with the median rate: a whole measurement, so that its cores belong to its rate. */
function middleOf(tries: readonly Measured[]): Measured | undefined {
  const faulty = tries.find(({ faults }) => Object.keys(faults).length > 0);
  return faulty ?? tries.toSorted((a, b) => a.done / a.seconds - b.done / b.seconds)[tries.length >> 1];
}

interface Measured {
  readonly done: number;
  readonly seconds: number;
  readonly spent: Spent | undefined;
  readonly client: number;
  readonly faults: Readonly<Record<string, number>>;
}

/** Backlogs are accepted first, with the meters on for mx and msa, and worked off then, with the meters on for mta and mda. */
async function load(
  subject: Subject,
  row: Row,
  suite: SuiteInLab,
  meter: Meter,
  count: number,
  { client, scale }: Tools,
): Promise<Measured> {
  const held = subject.backlog === undefined ? [] : suite.world.replicasOf(subject.backlog);
  const signal = (name: NodeJS.Signals): void => {
    for (const replica of held) suite.world.agent(replica.name).kill(name);
  };
  let finish: (() => Spent) | undefined;
  let result: JobResult | undefined;
  let spent: Spent | undefined;
  const goOn = (): void => signal('SIGCONT');
  // Whoever ends the bench now must not leave processes that can neither work nor end.
  process.once('exit', goOn);
  signal('SIGSTOP');
  try {
    const job = row.job(suite, count, `${subject.agent}.${Date.now()}`, scale);
    await client.run(
      job,
      180_000,
      () => (finish = meter.begin()),
      (done) => {
        result = done;
        spent = finish?.();
      },
    );
    const accepted: Measured = {
      done: result?.done ?? 0,
      seconds: spent?.seconds ?? Number.NaN,
      spent,
      client: (result?.clientCpuMs ?? 0) / 1000 / (spent?.seconds ?? 1),
      faults: result?.faults ?? {},
    };
    if (held.length === 0) return accepted;
    finish = meter.begin();
    goOn();
    while ((await suite.queued()) > 0) await pause(25);
    spent = finish();
    if (subject.agent !== 'mta' && subject.agent !== 'mda') return accepted;
    return { ...accepted, seconds: spent.seconds, spent, client: 0 };
  } finally {
    process.off('exit', goOn);
    goOn();
  }
}

async function prefill(suite: SuiteInLab, client: LoadClient): Promise<void> {
  const door = suite.doors.imap;
  const job = ROWS.find((row) => row.id === 'store')?.job(suite, 1, '', SCALES.quick);
  if (door === undefined || job?.op !== 'imap') return;
  for (const login of job.logins)
    await client.simply({ op: 'fill', door, login, mailbox: 'INBOX', count: 20, octets: 5120 }, 60_000);
}
