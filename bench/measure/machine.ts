import fs from 'node:fs';
import os from 'node:os';

/** What the figures were taken on, without its name; and how busy all of it was. */
export interface Machine {
  readonly system: string;
  readonly kernel: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly processor: string;
  readonly node: string;
}

export function describeMachine(): Machine {
  return {
    system: `${os.type()} ${os.arch()}`,
    kernel: os.release(),
    cores: os.availableParallelism(),
    memoryGb: Math.round(os.totalmem() / 2 ** 30),
    processor: os.cpus()[0]?.model.trim() ?? 'unknown',
    node: process.versions.node,
  };
}

/** For file names: `linux-x64-2-cores`. */
export function hostKind(machine: Machine): string {
  return `${machine.system} ${machine.cores} cores`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
}

export interface MachineTimes {
  /** All CPUs together, in ms since boot. */
  readonly busyMs: number;
  readonly totalMs: number;
}

/** The first line of /proc/stat, in ticks of 10 ms; undefined when it is none. */
export function parseMachineTimes(text: string): MachineTimes | undefined {
  const [label, ...values] = text.slice(0, text.indexOf('\n')).trim().split(/ +/);
  if (label !== 'cpu') return undefined;
  // proc_stat(5): user nice system idle iowait irq softirq steal; guest time is in user already
  const ticks = values.slice(0, 8).map(Number);
  const total = ticks.reduce((sum, value) => sum + value, 0);
  const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0);
  return Number.isNaN(total) ? undefined : { busyMs: (total - idle) * 10, totalMs: total * 10 };
}

/** Undefined where there is no /proc/stat. */
export function machineTimes(): MachineTimes | undefined {
  try {
    return parseMachineTimes(fs.readFileSync('/proc/stat', 'latin1'));
  } catch {
    return undefined;
  }
}
