import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { boundaryFaults } from './check-boundaries.ts';
import { documentFaults } from './check-journey.ts';

/** `pnpm check`: types, lint (floating promises among it), format, the boundaries between packages, and what the documents name. */
const root = path.join(import.meta.dirname, '..');

const STEPS: readonly (readonly [what: string, command: string, ...args: string[]])[] = [
  ['types', 'tsc', '-p', 'tsconfig.json'],
  ['lint', 'oxlint', '--type-aware', '--quiet', '.'],
  ['format', 'oxfmt', '--check', '.'],
];

/** Runs every step even when one fails. @returns whether all passed. */
export function check(): Promise<boolean> {
  let good = true;
  for (const [what, command, ...args] of STEPS) {
    const result = spawnSync(path.join(root, 'node_modules/.bin', command), args, {
      cwd: root,
      encoding: 'utf8',
    });
    const ok = result.status === 0;
    good &&= ok;
    console.log(`check ${what}: ${ok ? 'ok' : 'FAILED'}`);
    if (!ok) console.log(`${result.stdout}${result.stderr}`);
  }
  for (const [what, faults] of [
    ['boundaries', boundaryFaults(root)],
    ['documents', documentFaults(root)],
  ] as const) {
    good &&= faults.length === 0;
    console.log(`check ${what}: ${faults.length === 0 ? 'ok' : 'FAILED'}`);
    for (const fault of faults) console.log(`  ${fault}`);
  }
  return Promise.resolve(good);
}

if (import.meta.main) process.exitCode = (await check()) ? 0 : 1;
