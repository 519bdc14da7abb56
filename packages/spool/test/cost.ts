import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { openBlobstore } from '@waybill/blobstore';
import type { Claimed } from '../src/contract.ts';
import { openSpoolUpkeep } from '../src/upkeep.ts';
import { openSpoolWork } from '../src/work.ts';
import { draft, openBed, recipient } from './spool-bed.ts';

/**
 * What a message costs in the spool: CPU milliseconds of Postgres and of this process per message,
 * for accept, claim and finish in batches as an agent makes them. Linux only. Run:
 *
 *     node packages/spool/test/cost.ts [messages] [octets] [batch]
 */
const [messages = 6000, octets = 5000, batch = 20] = process.argv.slice(2).map(Number);

const bed = await openBed();
const work = openSpoolWork(bed.mta, openBlobstore(bed.mta));
const upkeep = openSpoolUpkeep(bed.mta, { graceMs: 0 });
const postmaster = Number(
  (await bed.admin.query("select pg_read_file('postmaster.pid') as text")).rows[0].text.split('\n')[0],
);

/** User and system time of the postmaster's children that live, plus its waited-for dead, in ms. */
function postgresMs(): number {
  let ticks = 0;
  for (const pid of fs.readdirSync('/proc').filter((name) => Number(name) > 0)) {
    try {
      const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(pid) === postmaster) ticks += Number(fields[13]) + Number(fields[14]);
      else if (Number(fields[1]) === postmaster) ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      continue;
    }
  }
  return ticks * 10;
}

async function measure(name: string, step: () => Promise<void>): Promise<void> {
  const pg = postgresMs();
  const cpu = process.cpuUsage();
  const start = performance.now();
  await step();
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const per = (ms: number): string => (ms / messages).toFixed(3);
  console.log(
    `${name.padEnd(8)} postgres ${per(postgresMs() - pg)}  node ${per((user + system) / 1000)}  wall ${per(wall)} ms per message`,
  );
}

const body = randomBytes(octets);
for (let round = 0; round < 2; round++) {
  const claims: Claimed[] = [];
  await measure('accept', async () => {
    const worker = async (lane: number): Promise<void> => {
      for (let i = lane; i < messages; i += batch)
        await bed.accept.accept(
          draft({
            message: body,
            recipients: [recipient({ destination: `local/${i % 4}`, accountId: String(i % 100) })],
          }),
        );
    };
    await Promise.all(Array.from({ length: batch }, (_, lane) => worker(lane)));
  });
  await measure('claim', async () => {
    for (let slot = 0; claims.length < messages; slot = (slot + 1) % 4)
      claims.push(...(await work.claim(`local/${slot}`, batch, 'cost')));
  });
  await measure('finish', async () => {
    for (let i = 0; i < claims.length; i += batch)
      await Promise.all(
        claims
          .slice(i, i + batch)
          .map((claim) =>
            work.finish({ kind: 'delivered', claim, code: '250', text: '2.1.5 stored', peer: 'mda' }),
          ),
      );
  });
  await measure('sweep', async () => {
    await upkeep.sweep();
  });
}
await bed[Symbol.asyncDispose]();
