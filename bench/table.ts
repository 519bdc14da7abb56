import { ratios, spread, type Spread } from './measure/statistics.ts';
import type { Footprint, Results, RowResult, Sample, ScalingStep } from './results.ts';
import { total } from './results.ts';

/** The results as markdown. Ratios above 1 are for Waybill; a row with faults shows them instead of hiding behind a median. */

export const OURS = 'Waybill';
/** The load client took this share of a core: it may be what was measured. */
const CLIENT_FULL = 0.85;
/** Others took this share of the machine: rates of that row are noisy. */
const FOREIGN = 0.15;

type Cell = string;

export function renderTables(results: Results): string {
  const theirs = results.targets.map(({ name }) => name).find((name) => name !== OURS);
  const sections = [
    `# Bench, ${results.date}, ${results.mode}`,
    machineLines(results),
    results.rows.length === 0 ? '' : rateTable(results.rows, theirs),
    results.rows.length === 0 ? '' : cpuTable(results.rows, theirs),
    results.rows.length === 0 ? '' : partsTable(results),
    results.footprint.length === 0 ? '' : footprintTable(results.footprint),
    results.scaling.length === 0 ? '' : scalingTable(results.scaling),
    faultLines(results),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function machineLines(results: Results): string {
  const { machine } = results;
  const lines = [
    `${machine.system}, kernel ${machine.kernel}, ${machine.cores} cores (${machine.processor}), ${machine.memoryGb} GB, Node ${machine.node}. ` +
      `${results.rows.length === 0 ? '' : `${results.rounds} round${results.rounds === 1 ? '' : 's'} after a warm-up; `}load client and servers on the same machine.`,
    ...results.targets.map(
      (target) =>
        `- **${target.name}**: ${Object.entries(target.versions)
          .map(([program, version]) => `${program} ${version}`)
          .join(', ')}. ${target.settings.join('; ')}. CPU by ${CPU_SOURCES[target.cpu]}.`,
    ),
    ...results.missing.map((line) => `- ${line}`),
  ];
  return lines.join('\n');
}

const CPU_SOURCES = {
  cgroup: 'control groups, short-lived processes included',
  proc: '/proc in ticks of 10 ms, ended children included',
  none: 'nothing: this system has no /proc',
} as const;

export function rateTable(rows: readonly RowResult[], theirs: string | undefined): string {
  const body = rows.flatMap((row) =>
    RATES.filter(({ applies }) => applies(row)).map(({ name, of }): Cell[] => {
      const ours = good(row, OURS);
      const other = good(row, theirs);
      const cells = [`${row.title}${name}`, plusMinus(spread(ours.map(of))), latency(ours), marks(ours)];
      if (theirs === undefined) return cells;
      return [
        ...cells,
        plusMinus(spread(other.map(of))),
        latency(other),
        marks(other),
        ratioCell(ratios(byRound(ours, of), byRound(other, of), 'more')),
      ];
    }),
  );
  const head = ['rate, per second', OURS, 'p50 / p95 ms', ''];
  return `## Rates\n\n${table(theirs === undefined ? head : [...head, theirs, 'p50 / p95 ms', '', 'ratio'], body)}\n\n${LEGEND}`;
}

const LEGEND =
  'Median (smallest–largest) of the rounds. The ratio is taken round by round and is above 1 where Waybill is faster. ' +
  'c: the load client had a core to itself, so it may be what was measured; n: others took more than 15 % of the machine.';

const RATES: readonly {
  readonly name: string;
  readonly applies: (row: RowResult) => boolean;
  readonly of: (sample: Sample) => number;
}[] = [
  {
    name: ': accepted',
    applies: (row) => waits(row),
    of: (sample) => sample.done / sample.seconds,
  },
  {
    name: ': delivered',
    applies: (row) => waits(row),
    of: (sample) => sample.done / sample.allSeconds,
  },
  { name: '', applies: (row) => !waits(row), of: (sample) => sample.done / sample.seconds },
];

function waits(row: RowResult): boolean {
  return row.id.startsWith('deliver') || row.id.startsWith('relay');
}

export function cpuTable(rows: readonly RowResult[], theirs: string | undefined): string {
  const of = (sample: Sample): number => total(sample.cpuMs);
  const body = rows.map((row): Cell[] => {
    const ours = good(row, OURS);
    const other = good(row, theirs);
    const client = spread(ours.map((sample) => sample.clientCpuMs)).median;
    const cells = [`${row.title}, per ${row.unit}`, plusMinus(spread(ours.map(of)))];
    if (theirs === undefined) return [...cells, round3(client)];
    return [
      ...cells,
      plusMinus(spread(other.map(of))),
      ratioCell(ratios(byRound(ours, of), byRound(other, of), 'less')),
      `${round3(client)} / ${round3(spread(other.map((sample) => sample.clientCpuMs)).median)}`,
    ];
  });
  const head = theirs === undefined ? [OURS, 'load client'] : [OURS, theirs, 'ratio', 'load client'];
  return `## CPU, all processes of a side together\n\n${table(['CPU ms', ...head], body)}\n\nThe steadiest figure on a busy machine. The ratio is above 1 where Waybill takes less.`;
}

/** Where the CPU time goes, by part. */
export function partsTable(results: Results): string {
  const sections = results.targets.map((target) => {
    const rows = results.rows.filter((row) => good(row, target.name).length > 0);
    const labels = [
      ...new Set(rows.flatMap((row) => good(row, target.name).flatMap((one) => Object.keys(one.cpuMs)))),
    ];
    const body = rows.map((row): Cell[] => [
      `${row.title}, per ${row.unit}`,
      ...labels.map((label) =>
        round3(spread(good(row, target.name).map((sample) => sample.cpuMs[label] ?? Number.NaN)).median),
      ),
    ]);
    return `### ${target.name}\n\n${table(['CPU ms', ...labels], body)}`;
  });
  return `## CPU by part\n\n${sections.join('\n\n')}`;
}

export function footprintTable(footprint: readonly Footprint[]): string {
  const parts = footprint.flatMap((one) =>
    Object.keys(one.afterAllKb)
      .filter((label) => one.afterAllKb[label] !== null)
      .map((label): Cell[] => [
        one.target,
        label,
        String(one.processes[label] ?? 0),
        megabytes(one.afterWarmUpKb[label]),
        megabytes(one.afterAllKb[label]),
        round3(one.restMsPerSecond[label] ?? Number.NaN),
      ]),
  );
  const idle = footprint.map((one): Cell[] => [
    one.target,
    String(one.idleSessions),
    one.idleKbEach === null ? '–' : one.idleKbEach.toFixed(0),
    String(one.idleProcesses),
  ]);
  return (
    `## Memory\n\nPSS: what processes share counts in parts.\n\n` +
    `${table(['', 'part', 'processes', 'MB after warm-up', 'MB after all rounds', 'CPU ms per second at rest'], parts)}\n\n` +
    table(['', 'idle IMAP sessions', 'kB each', 'processes of the side'], idle)
  );
}

export function scalingTable(steps: readonly ScalingStep[]): string {
  const first = new Map<string, number>();
  const body = steps.map((step): Cell[] => {
    const key = `${step.agent} ${step.what}`;
    if (step.replicas === 1) first.set(key, step.rate);
    const base = first.get(key);
    const own = Object.entries(step.cores).filter(([label]) => label.startsWith(`${step.agent}-`));
    return [
      `${step.agent}: ${step.what}`,
      String(step.replicas),
      rate(step.rate),
      base === undefined || base === 0 ? '–' : `${(step.rate / base).toFixed(2)}×`,
      own.map(([, cores]) => (cores === null ? '–' : cores.toFixed(2))).join(' + '),
      step.limit,
    ];
  });
  return `## Replicas\n\nOne agent scaled, all others at one replica.\n\n${table(['agent', 'replicas', 'per second', 'to one', 'cores of each replica', 'what is at its limit'], body)}`;
}

function faultLines(results: Results): string {
  const lines = [
    ...results.rows.flatMap((row) =>
      Object.entries(row.samples).flatMap(([target, samples]) =>
        samples.flatMap((sample) =>
          Object.entries(sample.faults).map(
            ([text, times]) =>
              `- ${row.id}, ${target}, ${sample.round === 0 ? 'warm-up' : `round ${sample.round}`}: ${text} (${times})`,
          ),
        ),
      ),
    ),
    ...results.scaling.flatMap((step) =>
      Object.entries(step.faults).map(
        ([text, times]) => `- ${step.agent} × ${step.replicas}: ${text} (${times})`,
      ),
    ),
  ];
  return lines.length === 0
    ? ''
    : `## Faults\n\nSamples with a fault are in no median.\n\n${lines.join('\n')}`;
}

/** Samples of the rounds that count, without a fault. */
function good(row: RowResult, target: string | undefined): readonly Sample[] {
  return (row.samples[target ?? ''] ?? []).filter(
    (sample) => sample.round > 0 && Object.keys(sample.faults).length === 0,
  );
}

function byRound(samples: readonly Sample[], of: (sample: Sample) => number): Map<number, number> {
  return new Map(samples.map((sample) => [sample.round, of(sample)] as const));
}

function latency(samples: readonly Sample[]): Cell {
  if (samples.length === 0) return '–';
  const p50 = spread(samples.map((sample) => sample.latencyMs.p50)).median;
  const p95 = spread(samples.map((sample) => sample.latencyMs.p95)).median;
  return `${round3(p50)} / ${round3(p95)}`;
}

function marks(samples: readonly Sample[]): Cell {
  const client = samples.some((sample) => sample.clientBusy > CLIENT_FULL) ? 'c' : '';
  const noisy = samples.some((sample) => (sample.foreign ?? 0) > FOREIGN) ? 'n' : '';
  return client + noisy;
}

function plusMinus(value: Spread): Cell {
  if (Number.isNaN(value.median)) return '–';
  return value.min === value.max
    ? rate(value.median)
    : `${rate(value.median)} (${rate(value.min)}–${rate(value.max)})`;
}

function ratioCell(value: Spread): Cell {
  if (Number.isNaN(value.median)) return '–';
  const text = (ratio: number): string => (ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2));
  return value.min === value.max
    ? `**${text(value.median)}**`
    : `**${text(value.median)}** (${text(value.min)}–${text(value.max)})`;
}

function rate(value: number): Cell {
  return value >= 100 ? value.toFixed(0) : round3(value);
}

/** Three digits that mean something. */
export function round3(value: number): Cell {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 4));
}

function megabytes(kb: number | null | undefined): Cell {
  return kb === null || kb === undefined ? '–' : (kb / 1024).toFixed(0);
}

function table(head: readonly Cell[], body: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => ' --- |').join('')}`, ...body.map(line)].join('\n');
}
