import fs from 'node:fs';

/**
 * Processes and their CPU time, read from /proc. Time of children that ended and were waited for counts to their
 * parent, so that servers which start a process per connection are charged for all of them.
 */
export interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  /** Clock ticks of its own, in user and kernel mode. */
  readonly own: number;
  /** Clock ticks of all descendants that it (or they) waited for. */
  readonly reaped: number;
}

/** Ticks per second of /proc/<pid>/stat: fixed at 100 in the kernel's interface for programs. */
const TICKS_PER_SECOND = 100;

/** One line of /proc/<pid>/stat; undefined when it is none. The name in it may hold spaces and brackets. */
export function parseProcessTimes(line: string): ProcessTimes | undefined {
  const close = line.lastIndexOf(')');
  const pid = Number.parseInt(line, 10);
  if (close < 0 || Number.isNaN(pid)) return undefined;
  const fields = line.slice(close + 2).split(' ');
  // proc(5): state is field 3; ppid 4, utime 14, stime 15, cutime 16, cstime 17
  const at = (field: number): number => Number(fields[field - 3]);
  const times = { pid, parent: at(4), own: at(14) + at(15), reaped: at(16) + at(17) };
  return Number.isNaN(times.parent + times.own + times.reaped) ? undefined : times;
}

/** Every process there is now; empty where there is no /proc. */
export function readProcesses(): Map<number, ProcessTimes> {
  const found = new Map<number, ProcessTimes>();
  let names: string[];
  try {
    names = fs.readdirSync('/proc');
  } catch {
    return found;
  }
  for (const name of names) {
    if (name < '0' || name > '9~') continue;
    try {
      const times = parseProcessTimes(fs.readFileSync(`/proc/${name}/stat`, 'latin1'));
      if (times !== undefined) found.set(times.pid, times);
    } catch {
      continue; // it has ended meanwhile
    }
  }
  return found;
}

/** The roots and all their descendants, as far as they live. */
export function treeOf(roots: readonly number[], processes: ReadonlyMap<number, ProcessTimes>): number[] {
  const children = new Map<number, number[]>();
  for (const { pid, parent } of processes.values()) {
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [pid]);
    else siblings.push(pid);
  }
  const seen = new Set<number>();
  const next = [...roots];
  for (let pid = next.pop(); pid !== undefined; pid = next.pop()) {
    if (seen.has(pid) || !processes.has(pid)) continue;
    seen.add(pid);
    next.push(...(children.get(pid) ?? []));
  }
  return [...seen];
}

/** CPU milliseconds so far of these trees, ended children included. Never falls while the roots live. */
export function treeCpuMs(roots: readonly number[], processes: ReadonlyMap<number, ProcessTimes>): number {
  let ticks = 0;
  for (const pid of treeOf(roots, processes)) {
    const times = processes.get(pid);
    if (times !== undefined) ticks += times.own + times.reaped;
  }
  return (ticks * 1000) / TICKS_PER_SECOND;
}
