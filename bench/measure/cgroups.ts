import fs from 'node:fs';
import path from 'node:path';
import { readProcesses, treeOf } from './processes.ts';

/**
 * Control groups as CPU meters: exact to the microsecond, short-lived children included, whoever waits for them.
 * Used where this process may make groups (root on Linux, version 1 or 2); nothing is limited by them.
 */
export interface Cgroup {
  readonly folder: string;
  readonly cpuMs: () => number;
}

/** Microsecond-exact total of a group's folder, in ms; NaN when it cannot be read. */
export function cgroupCpuMs(folder: string): number {
  try {
    return parseCpuacctUsage(fs.readFileSync(path.join(folder, 'cpuacct.usage'), 'latin1'));
  } catch {
    try {
      return parseCpuStat(fs.readFileSync(path.join(folder, 'cpu.stat'), 'latin1'));
    } catch {
      return Number.NaN;
    }
  }
}

/** Version 1: nanoseconds, alone in the file. */
export function parseCpuacctUsage(text: string): number {
  const trimmed = text.trim();
  return trimmed === '' ? Number.NaN : Number(trimmed) / 1e6;
}

/** Version 2: `usage_usec 123` among other lines. */
export function parseCpuStat(text: string): number {
  for (const line of text.split('\n')) {
    const [name, value] = line.split(' ');
    if (name === 'usage_usec') return Number(value) / 1e3;
  }
  return Number.NaN;
}

/** Where the CPU controller's groups of this machine lie; undefined where there are none. */
function mount(): string | undefined {
  for (const folder of ['/sys/fs/cgroup/cpuacct', '/sys/fs/cgroup/cpu,cpuacct', '/sys/fs/cgroup']) {
    const meter = folder === '/sys/fs/cgroup' ? 'cgroup.controllers' : 'cpuacct.usage';
    if (fs.existsSync(path.join(folder, meter))) return folder;
  }
  return undefined;
}

/** The group of a process as the kernel names it: for containers, which have one each. Undefined when not readable. */
export function cgroupOf(pid: number): Cgroup | undefined {
  const top = mount();
  if (top === undefined) return undefined;
  try {
    const lines = fs.readFileSync(`/proc/${pid}/cgroup`, 'latin1').split('\n');
    const wanted = top === '/sys/fs/cgroup' ? '' : 'cpuacct';
    for (const line of lines) {
      const [, controllers = '', ...rest] = line.split(':');
      if (!controllers.split(',').includes(wanted)) continue;
      const folder = path.join(top, rest.join(':'));
      // The top group is everybody's: no meter of one container.
      if (folder === path.join(top, '/') || folder === top) return undefined;
      return Number.isNaN(cgroupCpuMs(folder)) ? undefined : { folder, cpuMs: () => cgroupCpuMs(folder) };
    }
  } catch {
    return undefined;
  }
  return undefined;
}

/** Makes groups under one name of its own, and removes them at the end. */
export class CgroupMaker implements Disposable {
  readonly #top: string;
  readonly #made: string[] = [];

  private constructor(top: string) {
    this.#top = top;
  }

  /** Undefined where groups cannot be made, or a process cannot be put into one. */
  static open(): CgroupMaker | undefined {
    const top = mount();
    if (top === undefined) return undefined;
    const trial = path.join(top, `waybill-bench-${process.pid}-trial`);
    try {
      fs.mkdirSync(trial);
      // Our own process goes in and out again: what works for it works for its children.
      fs.writeFileSync(path.join(trial, 'cgroup.procs'), String(process.pid));
      fs.writeFileSync(path.join(top, 'cgroup.procs'), String(process.pid));
      const works = !Number.isNaN(cgroupCpuMs(trial));
      fs.rmdirSync(trial);
      if (!works) return undefined;
      removeLeftovers(top);
      return new CgroupMaker(top);
    } catch {
      try {
        fs.rmdirSync(trial);
      } catch {
        // it was never made, or we are in it: it ends with the machine
      }
      return undefined;
    }
  }

  /** A group with these processes and all their descendants in it. @throws when the kernel refuses */
  hold(label: string, roots: readonly number[]): Cgroup {
    const folder = path.join(this.#top, `waybill-bench-${process.pid}-${label.replaceAll('/', '-')}`);
    fs.mkdirSync(folder, { recursive: true });
    if (!this.#made.includes(folder)) this.#made.push(folder);
    // A child that is born between reading and moving is found by the next look.
    const moved = new Set<number>();
    for (let more = true; more;) {
      more = false;
      for (const pid of treeOf(roots, readProcesses())) {
        if (moved.has(pid)) continue;
        moved.add(pid);
        more = true;
        move(pid, folder);
      }
    }
    return { folder, cpuMs: () => cgroupCpuMs(folder) };
  }

  /** To be called when what was measured has ended. */
  [Symbol.dispose](): void {
    for (const folder of this.#made) remove(folder, this.#top);
  }
}

/** Whatever is still in it goes back to where all others are. */
function remove(folder: string, top: string): void {
  try {
    for (const pid of fs.readFileSync(path.join(folder, 'cgroup.procs'), 'latin1').split('\n'))
      if (pid !== '') move(Number(pid), top);
    fs.rmdirSync(folder);
  } catch {
    // Something was born in it just now, or has ended and nobody has waited for it yet: the next run takes it away.
  }
}

/** Groups of benches that were killed. */
function removeLeftovers(top: string): void {
  for (const name of fs.readdirSync(top)) {
    const pid = NAME.exec(name)?.[1];
    if (pid !== undefined && !fs.existsSync(`/proc/${pid}`)) remove(path.join(top, name), top);
  }
}

const NAME = /^waybill-bench-(\d+)-/;

function move(pid: number, folder: string): void {
  try {
    fs.writeFileSync(path.join(folder, 'cgroup.procs'), String(pid));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
