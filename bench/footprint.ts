import { setTimeout as pause } from 'node:timers/promises';
import { type Meter, sumOf } from './measure/meter.ts';
import { type Footprint, known } from './results.ts';
import { readersOf } from './rows.ts';
import type { Bench, Tools } from './sampling.ts';

/** What a suite takes when nobody does anything: CPU per second, and memory for every session that is only open. */

/** CPU ms per second by part, over some seconds without load. */
export async function restOf(meter: Meter, seconds: number): Promise<ReadonlyMap<string, number>> {
  const end = meter.begin();
  await pause(seconds * 1000);
  const spent = end();
  return new Map([...spent.parts].map(([label, ms]) => [label, ms / spent.seconds] as const));
}

/** Opens sessions that SELECT and IDLE, and sets the memory of all parts before against that while they are open. */
export async function measureIdle(
  bench: Bench,
  { client, scale }: Tools,
  say: (line: string) => void,
): Promise<Pick<Footprint, 'idleSessions' | 'idleKbEach' | 'idleProcesses'>> {
  const { target, meter } = bench;
  const door = target.doors.imap;
  const before = sumOf(meter.memory().values());
  try {
    if (door === undefined) throw new Error(`${target.name} has no imap`);
    return await client.run(
      { op: 'idle', door, logins: readersOf(target), count: scale.idle },
      120_000,
      () => undefined,
      ({ done, faults }) => {
        for (const [text, times] of Object.entries(faults)) say(`  FAULT ${text} (${times})`);
        const held = sumOf(meter.memory().values());
        return {
          idleSessions: done,
          idleKbEach: known((held - before) / done),
          idleProcesses: sumOf(meter.processes().values()),
        };
      },
    );
  } catch (error) {
    say(`  FAULT ${(error as Error).message}`);
    return { idleSessions: 0, idleKbEach: null, idleProcesses: 0 };
  }
}
