import fs from 'node:fs';

/**
 * Memory of processes as PSS: what they share with others counts in parts, so that sums over many small processes
 * are honest. (RSS would charge Postgres and Dovecot many times for the same pages.)
 */

/** The `Pss:` line of smaps_rollup, in kB; undefined when there is none. */
export function parsePss(text: string): number | undefined {
  for (const line of text.split('\n')) {
    if (!line.startsWith('Pss:')) continue;
    const value = Number.parseInt(line.slice(4).trim(), 10);
    return Number.isNaN(value) ? undefined : value;
  }
  return undefined;
}

/** Sum over these processes, in kB; those that have ended count nothing. NaN when none could be read. */
export function pssKb(pids: readonly number[]): number {
  let sum = 0;
  let read = 0;
  for (const pid of pids) {
    try {
      const value = parsePss(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'));
      if (value === undefined) continue;
      sum += value;
      read++;
    } catch {
      continue;
    }
  }
  return read === 0 ? Number.NaN : sum;
}
