import { Meter } from './measure/meter.ts';
import { measureIdle, restOf } from './footprint.ts';
import type { Target } from './peers/target.ts';
import {
  type Footprint,
  known,
  type Mode,
  knownOf,
  type RowResult,
  type Sample,
  type TargetNote,
} from './results.ts';
import { countOf, KEPT, readersOf, type Row } from './rows.ts';
import { type Bench, countIn, sampleOf, type Tools } from './sampling.ts';

/** The rounds: every row against every target in turn, so that a slow minute of the machine meets both. */

export interface Compared {
  readonly targets: readonly TargetNote[];
  readonly rows: readonly RowResult[];
  readonly footprint: readonly Footprint[];
}

export interface Comparison {
  readonly targets: readonly Target[];
  readonly rows: readonly Row[];
  readonly mode: Mode;
  readonly rounds: number;
  readonly tools: Tools;
  readonly say: (line: string) => void;
}

/** Of a row's count in the round that only warms up. */
const WARM_UP = 0.3;

export async function compare(plan: Comparison): Promise<Compared> {
  const { tools, say } = plan;
  const benches: Bench[] = [];
  for (const [index, target] of plan.targets.entries()) {
    say(`filling mailboxes: ${target.name}`);
    await fill(target, tools);
    benches.push({
      target,
      meter: new Meter(target.parts, String(index), tools.groups),
      expected: {
        inbox: await countIn(target, 'inbox', tools.client),
        kept: await countIn(target, 'kept', tools.client),
      },
    });
  }
  const samples = new Map<string, Map<string, Sample[]>>();
  const warm: Record<string, number | null>[] = [];
  for (let round = 0; round <= plan.rounds; round++) {
    if (round === 1) for (const { meter } of benches) warm.push(knownOf(meter.memory()));
    for (const row of plan.rows) {
      // Who goes first changes from round to round.
      for (const bench of round % 2 === 0 ? benches : benches.toReversed()) {
        if (bench.target.doors[row.door] === undefined) continue;
        const full = countOf(row, plan.mode);
        const count = round === 0 ? Math.max(1, Math.round(full * WARM_UP)) : full;
        const sample = await sampleOf(row, bench, count, round, tools);
        say(lineOf(round, plan.rounds, row, bench.target, sample));
        const bad = Object.keys(sample.faults).length > 0;
        // A warm-up counts for nothing, but what goes wrong in it is told.
        if (round === 0 && !bad) continue;
        const ofRow = samples.get(row.id) ?? new Map<string, Sample[]>();
        samples.set(row.id, ofRow);
        ofRow.set(bench.target.name, [...(ofRow.get(bench.target.name) ?? []), sample]);
      }
    }
  }
  const footprint: Footprint[] = [];
  for (const [index, bench] of benches.entries()) {
    say(`at rest, and ${tools.scale.idle} idle sessions: ${bench.target.name}`);
    const afterAllKb = knownOf(bench.meter.memory());
    const rest = await restOf(bench.meter, tools.scale.restSeconds);
    const idle = await measureIdle(bench, tools, say);
    footprint.push({
      target: bench.target.name,
      afterWarmUpKb: warm[index] ?? {},
      afterAllKb,
      processes: Object.fromEntries(bench.meter.processes()),
      restMsPerSecond: knownOf(rest),
      ...idle,
    });
  }
  return {
    targets: benches.map(({ target, meter }) => ({
      name: target.name,
      versions: target.versions,
      settings: target.settings,
      cpu: meter.how,
    })),
    rows: plan.rows.map((row) => ({
      id: row.id,
      title: row.title,
      unit: row.unit,
      samples: Object.fromEntries(samples.get(row.id) ?? []),
    })),
    footprint,
  };
}

/** The large mailbox, the maildrop, a few messages for every reader, and the mailbox that APPEND files to. */
async function fill(target: Target, { client, scale }: Tools): Promise<void> {
  const door = target.doors.imap;
  if (door === undefined) throw new Error(`${target.name} has no imap`);
  const into = async (user: string, mailbox: string, count: number): Promise<void> => {
    const login = { ...readersOf(target)[0], user } as { user: string; password: string };
    await client.simply({ op: 'fill', door, login, mailbox, count, octets: 5120 }, 600_000);
  };
  await into(target.accounts.large, 'INBOX', scale.large);
  await into(target.accounts.maildrop, 'INBOX', scale.maildrop);
  for (const [index, reader] of target.accounts.readers.entries()) {
    await into(reader, 'INBOX', 10);
    if (index < 20) await into(reader, KEPT, 0);
  }
}

function lineOf(round: number, rounds: number, row: Row, target: Target, sample: Sample): string {
  const when = round === 0 ? 'warm-up' : `${round}/${rounds}`;
  const cpu = known(Object.values(sample.cpuMs).reduce<number>((sum, value) => sum + (value ?? 0), 0)) ?? 0;
  const rate = row.until === undefined ? sample.done / sample.seconds : sample.done / sample.allSeconds;
  const faults = Object.entries(sample.faults).map(([text, times]) => ` FAULT ${text} (${times})`);
  return `${when.padEnd(8)}${row.id.padEnd(16)}${target.name.padEnd(18)}${rate.toFixed(1).padStart(9)}/s ${cpu.toFixed(2).padStart(8)} ms CPU each${faults.join('')}`;
}
