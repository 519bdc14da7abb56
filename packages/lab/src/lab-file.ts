import fs from 'node:fs';
import path from 'node:path';
import type { Ports } from './port-plan.ts';

/** `lab.json`: what scripts and tests need to know of a running lab. Rewritten when a child is restarted. */
export interface LabFile {
  /** Those of the first replicas. */
  readonly ports: Ports;
  /** Every replica of every agent, with its own ports and pid. */
  readonly replicas: Readonly<Record<string, readonly Readonly<Record<string, number>>[]>>;
  readonly users: readonly { readonly address: string; readonly password: string }[];
  /** File name of the authority's certificate, in the data folder. */
  readonly ca: string;
  readonly pids: { readonly lab: number; readonly postgres: number; readonly redis: number | null };
  /** Superuser's connection string of the lab's database. */
  readonly postgres: string;
  readonly redis: string | null;
  /** Environment for the tool (`waybill user add …`) as operator of this lab. */
  readonly operator: Readonly<Record<string, string>>;
}

export const LAB_FILE = 'lab.json';

/** Writes the file whole or not at all; it holds passwords, so only its owner may read it. */
export function writeLabFile(dataDir: string, content: LabFile): void {
  const file = path.join(dataDir, LAB_FILE);
  fs.writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(`${file}.new`, file);
}

/** @throws Error that says how to start a lab when there is none in this folder. */
export function readLabFile(dataDir: string): LabFile {
  const file = path.join(dataDir, LAB_FILE);
  if (!fs.existsSync(file))
    throw new Error(`no lab in ${dataDir}: start one with \`pnpm start --data ${dataDir}\``);
  return JSON.parse(fs.readFileSync(file, 'utf8')) as LabFile;
}
