import type { Machine } from './measure/machine.ts';

/** How much is done: `tiny` only shows that the bench itself works. */
export type Mode = 'tiny' | 'quick' | 'full';

/** What a run of the bench leaves behind: the JSON file, and all that the tables are made of. */
export interface Results {
  readonly date: string;
  readonly mode: Mode;
  readonly rounds: number;
  readonly machine: Machine;
  readonly targets: readonly TargetNote[];
  /** What could not be run, and why. */
  readonly missing: readonly string[];
  readonly rows: readonly RowResult[];
  readonly footprint: readonly Footprint[];
  readonly scaling: readonly ScalingStep[];
}

export interface TargetNote {
  readonly name: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly settings: readonly string[];
  /** How CPU time was read: exactly by control groups, in ticks of 10 ms from /proc, or not at all. */
  readonly cpu: 'cgroup' | 'proc' | 'none';
}

export interface RowResult {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  /** By target; a target that has no such door has none. */
  readonly samples: Readonly<Record<string, readonly Sample[]>>;
}

/** One run of one row against one target. */
export interface Sample {
  readonly round: number;
  readonly done: number;
  readonly octets: number;
  /** Until the last answer to the client. */
  readonly seconds: number;
  /** Until the last message was delivered or relayed, where the row waits for that. */
  readonly allSeconds: number;
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number };
  /** CPU ms per piece, by part of the target; null where it is not known. */
  readonly cpuMs: Readonly<Record<string, number | null>>;
  /** CPU ms per piece of the load client and the sink. */
  readonly clientCpuMs: number;
  /** Share of one core that the load client took while it ran: near 1, it is the client that was measured. */
  readonly clientBusy: number;
  /** Share of the machine taken by others than the target and the bench; null where it is not known. */
  readonly foreign: number | null;
  /** What went wrong, each once, with how often. Empty for a good sample. */
  readonly faults: Readonly<Record<string, number>>;
}

/** Memory, and what doing nothing costs. */
export interface Footprint {
  readonly target: string;
  /** PSS after the first load and after the last, in kB, by part. */
  readonly afterWarmUpKb: Readonly<Record<string, number | null>>;
  readonly afterAllKb: Readonly<Record<string, number | null>>;
  readonly processes: Readonly<Record<string, number>>;
  /** CPU ms per second at rest, by part. */
  readonly restMsPerSecond: Readonly<Record<string, number | null>>;
  /** Sessions that idle, and what each of them takes, all parts together. */
  readonly idleSessions: number;
  readonly idleKbEach: number | null;
  readonly idleProcesses: number;
}

/** One agent at one number of replicas, all others at one. */
export interface ScalingStep {
  readonly agent: string;
  readonly replicas: number;
  readonly what: string;
  readonly rate: number;
  /** Cores taken while it ran, by process. */
  readonly cores: Readonly<Record<string, number | null>>;
  readonly clientCores: number;
  readonly machineCores: number | null;
  readonly limit: string;
  readonly faults: Readonly<Record<string, number>>;
}

/** JSON knows no NaN. */
export function known(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

export function knownOf(values: ReadonlyMap<string, number>, scale = 1): Record<string, number | null> {
  return Object.fromEntries([...values].map(([label, value]) => [label, known(value * scale)]));
}

/** Sum over the parts; NaN when one of them is not known. */
export function total(values: Readonly<Record<string, number | null>>): number {
  return Object.values(values).reduce<number>((sum, value) => sum + (value ?? Number.NaN), 0);
}
