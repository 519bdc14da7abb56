import fs from 'node:fs';
import path from 'node:path';
import type { TroubleEvent } from './client/client-trouble.ts';
import type { Sample, SamplePlan } from './client/sample.ts';
import type { SendPlan } from './client/send.ts';
import type { ReadPlan } from './client/read.ts';
import { docker, ROOT } from './project.ts';

/** The client programs of a trial, each in a container of its own with the repository mounted read-only. */
export interface ClientOptions {
  readonly project: string;
  /** Shared with the container: its plan, its ledger, what it has to tell. */
  readonly folder: string;
  readonly network: string;
  readonly ipv4?: string;
  readonly ipv6?: string;
}

type Plan = SendPlan | ReadPlan | SamplePlan;

export async function startClient(
  program: 'send' | 'read' | 'sample',
  plan: Plan,
  options: ClientOptions,
): Promise<void> {
  fs.writeFileSync(path.join(options.folder, `${plan.name}.json`), JSON.stringify(plan));
  await docker([
    'run',
    '--detach',
    `--name=${options.project}-${plan.name}`,
    `--label=waybill.trial=${options.project}`,
    `--network=${options.network}`,
    ...(options.ipv4 === undefined ? [] : [`--ip=${options.ipv4}`]),
    ...(options.ipv6 === undefined ? [] : [`--ip6=${options.ipv6}`]),
    `--user=${process.getuid?.() ?? 1000}:${process.getgid?.() ?? 1000}`,
    `--volume=${ROOT}:/waybill:ro`,
    `--volume=${options.folder}:/trial`,
    '--workdir=/waybill',
    'node:24-slim',
    'node',
    `test/compose/client/${program}.ts`,
    `/trial/${plan.name}.json`,
  ]);
}

/** Tells a client to finish what is in hand and waits for its end. @throws Error with its words when that failed */
export async function stopClient(project: string, name: string): Promise<void> {
  const container = `${project}-${name}`;
  await docker(['stop', '--time=120', container]);
  const code = (await docker(['inspect', '--format={{.State.ExitCode}}', container])).trim();
  if (code !== '0')
    throw new Error(`client ${name} ended with ${code}: ${await docker(['logs', '--tail=20', container])}`);
}

/** @throws Error when a client is not running any more. */
export async function mustRun(project: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const running = await docker(['inspect', '--format={{.State.Running}}', `${project}-${name}`]);
    if (running.trim() !== 'true')
      throw new Error(
        `client ${name} is not running: ${await docker(['logs', '--tail=20', `${project}-${name}`])}`,
      );
  }
}

export interface Progress {
  readonly at: number;
  readonly [count: string]: number;
}

export function progressOf(folder: string, name: string): Progress[] {
  return readLines(path.join(folder, `${name}.progress.jsonl`)) as Progress[];
}

export function troublesOf(folder: string, name: string): TroubleEvent[] {
  return readLines(path.join(folder, `${name}.troubles.jsonl`)) as TroubleEvent[];
}

export function samplesOf(folder: string, name: string): Sample[] {
  return readLines(path.join(folder, `${name}.samples.jsonl`)) as Sample[];
}

/** Whole lines only: the client may be in the middle of the last one. */
function readLines(file: string): unknown[] {
  if (!fs.existsSync(file)) return [];
  const text = fs.readFileSync(file, 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}
