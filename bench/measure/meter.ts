import type { CgroupMaker } from './cgroups.ts';
import { machineTimes } from './machine.ts';
import { pssKb } from './memory.ts';
import { readProcesses, treeCpuMs, treeOf } from './processes.ts';

/** One part of a suite as a meter sees it: an agent, Postgres, all of Dovecot. */
export interface Part {
  readonly label: string;
  /** Of its main processes now; their descendants count too. Different ones later mean that it was restarted. */
  readonly roots: () => readonly number[];
  /** Its CPU ms so far, where that is better known than from its processes. */
  readonly cpuMs?: () => number;
}

/** What happened between two moments, in ms of CPU time. */
export interface Spent {
  readonly seconds: number;
  /** By part; NaN where it cannot be measured. */
  readonly parts: ReadonlyMap<string, number>;
  /** Busy time of the whole machine; NaN where it is not known. */
  readonly machineMs: number;
  /** Parts whose main process is another one now: the figures of this window are void. */
  readonly restarted: readonly string[];
}

/** Reads the CPU and memory of a suite's parts, by control groups where they can be made. */
export class Meter {
  readonly #parts: readonly { readonly part: Part; readonly cpuMs: (() => number) | undefined }[];
  readonly how: 'cgroup' | 'proc' | 'none';

  constructor(parts: readonly Part[], prefix: string, groups: CgroupMaker | undefined) {
    const linux = machineTimes() !== undefined;
    this.how = !linux ? 'none' : groups === undefined ? 'proc' : 'cgroup';
    this.#parts = parts.map((part) => ({
      part,
      cpuMs:
        part.cpuMs ??
        (groups === undefined || part.roots().length === 0
          ? undefined
          : groups.hold(`${prefix}-${part.label}`, part.roots()).cpuMs),
    }));
  }

  get labels(): readonly string[] {
    return this.#parts.map(({ part }) => part.label);
  }

  /**
   * Begins a window; the function that it gives ends it, and may be called once. Reading takes a few ms of this
   * process: they lie before the beginning and after the end.
   */
  begin(): () => Spent {
    const roots = this.#roots();
    const before = this.#read();
    const machine = machineTimes()?.busyMs ?? Number.NaN;
    const began = performance.now();
    return () => {
      const seconds = (performance.now() - began) / 1000;
      const after = this.#read();
      const machineMs = (machineTimes()?.busyMs ?? Number.NaN) - machine;
      const parts = new Map<string, number>();
      for (const [label, cpuMs] of after)
        parts.set(label, Math.max(0, cpuMs - (before.get(label) ?? Number.NaN)));
      const now = this.#roots();
      const restarted = this.labels.filter((label) => roots.get(label) !== now.get(label));
      return { seconds, parts, machineMs, restarted };
    };
  }

  /** CPU ms so far by part. */
  #read(): ReadonlyMap<string, number> {
    const parts = new Map<string, number>();
    for (const { part, cpuMs } of this.#parts) if (cpuMs !== undefined) parts.set(part.label, cpuMs());
    if (parts.size === this.#parts.length) return parts;
    const processes = readProcesses();
    for (const { part } of this.#parts) {
      if (parts.has(part.label)) continue;
      parts.set(part.label, processes.size === 0 ? Number.NaN : treeCpuMs(part.roots(), processes));
    }
    return parts;
  }

  #roots(): ReadonlyMap<string, string> {
    return new Map(this.#parts.map(({ part }) => [part.label, part.roots().join()] as const));
  }

  /** PSS by part, in kB; NaN where it cannot be read. */
  memory(): ReadonlyMap<string, number> {
    const processes = readProcesses();
    return new Map(
      this.#parts.map(({ part }) => [part.label, pssKb(treeOf(part.roots(), processes))] as const),
    );
  }

  /** Living processes by part. */
  processes(): ReadonlyMap<string, number> {
    const processes = readProcesses();
    return new Map(
      this.#parts.map(({ part }) => [part.label, treeOf(part.roots(), processes).length] as const),
    );
  }
}

/** Sum of what is known; NaN when nothing is. */
export function sumOf(values: Iterable<number>): number {
  let sum = 0;
  let known = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    sum += value;
    known++;
  }
  return known === 0 ? Number.NaN : sum;
}
