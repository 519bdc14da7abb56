import dns from 'node:dns/promises';
import fs from 'node:fs';
import path from 'node:path';
import { askedToStop, pause } from './client-file.ts';

/**
 * The sampler of a container on the inner network: once a second it asks every replica of every agent,
 * found by the agent's name, whether it is ready and what it has counted, until it is told to stop.
 *
 *     node test/compose/client/sample.ts FOLDER/NAME.json
 */
export interface SamplePlan {
  readonly name: string;
  readonly agents: readonly string[];
}

/** One look at one replica, a JSON object a line. */
export interface Sample {
  readonly at: number;
  readonly agent: string;
  readonly address: string;
  readonly ready: boolean;
  /** When its process began, s since 1970: a new one behind an old address is another replica. */
  readonly startedAt: number;
  /** Every series of its /metrics that counts, as `name{labels}`. */
  readonly counters: Readonly<Record<string, number>>;
}

const file = process.argv[2] ?? '';
const plan = JSON.parse(fs.readFileSync(file, 'utf8')) as SamplePlan;
const stop = askedToStop();
const out = fs.openSync(path.join(path.dirname(file), `${plan.name}.samples.jsonl`), 'a');

while (!stop.aborted) {
  const began = Date.now();
  await Promise.all(plan.agents.map(look));
  await pause(1000 - (Date.now() - began), stop);
}

async function look(agent: string): Promise<void> {
  const found = await dns.lookup(agent, { all: true, family: 4 }).catch(() => []);
  await Promise.all(
    found.map(async ({ address }) => {
      const sample = await ask(agent, address);
      if (sample !== undefined) fs.writeSync(out, `${JSON.stringify(sample)}\n`);
    }),
  );
}

/** Undefined when it does not answer within a second. */
async function ask(agent: string, address: string): Promise<Sample | undefined> {
  try {
    const signal = AbortSignal.timeout(1000);
    const ready = await fetch(`http://${address}:9090/readyz`, { signal });
    await ready.arrayBuffer();
    const metrics = await (await fetch(`http://${address}:9090/metrics`, { signal })).text();
    const counters: Record<string, number> = {};
    let startedAt = 0;
    for (const line of metrics.split('\n')) {
      const space = line.lastIndexOf(' ');
      if (line.startsWith('#') || space < 0) continue;
      const series = line.slice(0, space);
      const value = Number(line.slice(space + 1));
      if (series.includes('process_start_time_seconds')) startedAt = value;
      if (/_(total|count)(\{|$)/.test(series) && !/^waybill_(nodejs|process)_/.test(series))
        counters[withoutWho(series)] = value;
    }
    return { at: Date.now(), agent, address, ready: ready.status === 200, startedAt, counters };
  } catch {
    return undefined;
  }
}

/** A series without the labels that say which replica it is of. */
function withoutWho(series: string): string {
  return series
    .replace(/(agent|instance|version)="[^"]*",?/g, '')
    .replace(',}', '}')
    .replace('{}', '');
}
