/** What keeps a suite from going faster: named from who took how many cores while it was under load. */

export interface Load {
  /** Cores taken, by process. */
  readonly processes: ReadonlyMap<string, number>;
  /** Of the load client. */
  readonly client: number;
  /** Of the whole machine; NaN where it is not known. */
  readonly machine: number;
  readonly machineCores: number;
}

/** Above this share of what it can have, something is at its limit: a run has a beginning and an end that are slower. */
const FULL = 0.85;
/** Above this share of the machine for others, a full machine says nothing about the suite. */
const OTHERS = 0.2;
/** Parts that are many processes, or run threads of their own: a whole core does not limit them. */
const MANY = new Set(['postgres', 'auth', 'postfix', 'dovecot']);

/**
 * In this order: others on the machine, since then nothing can be known; the machine itself, since then nobody can have more; a process that does its work in one thread and
 * has a whole core; the load client; else nothing is full, and what is waited for is not CPU.
 */
export function limitOf(load: Load): string {
  const ranked = [...load.processes]
    .filter(([, cores]) => !Number.isNaN(cores))
    .toSorted((a, b) => b[1] - a[1]);
  const top = ranked
    .slice(0, 3)
    .map(([label, cores]) => `${label} ${cores.toFixed(2)}`)
    .join(', ');
  const others = load.machine - load.client - ranked.reduce((sum, [, cores]) => sum + cores, 0);
  if (load.machine >= FULL * load.machineCores && others >= OTHERS * load.machineCores)
    return `not known: others on this machine took ${others.toFixed(1)} of its ${load.machineCores} cores (most of the suite: ${top})`;
  if (load.machine >= FULL * load.machineCores)
    return `the machine: ${load.machine.toFixed(1)} of ${load.machineCores} cores busy (${top}; load client ${load.client.toFixed(2)})`;
  const full = ranked.find(([label, cores]) => cores >= FULL && !MANY.has(label.replace(/-\d+$/, '')));
  if (full !== undefined) return `${full[0]}: its one thread is busy (${full[1].toFixed(2)} cores)`;
  if (load.client >= FULL) return `the load client (${load.client.toFixed(2)} cores)`;
  return `no CPU: waits for round trips, the disk or the number of connections (most: ${top})`;
}
