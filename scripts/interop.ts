import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { notFound, PROGRAMS, type ProgramName, runnable } from '../test/interop/programs.ts';

/**
 * `pnpm interop`: the suite and the programs that people use, against each other. What is missing is
 * installed where that can be done (root on Debian); else it is named, with the command that installs it.
 */
const root = path.join(import.meta.dirname, '..');
process.exitCode = await main();

async function main(): Promise<number> {
  let found = runnable();
  if (found.missing.length > 0 && install(found.missing)) found = runnable();
  if (found.missing.length > 0) {
    for (const name of found.missing) console.log(notFound(name));
    console.log(`Install them, then run this again:\n    ${installCommand(found.missing)}`);
    return 1;
  }
  const tally = await runTests(found.files);
  console.log(`\ninterop: ${tally.passed} passed, ${tally.failed} failed, in ${tally.seconds.toFixed(0)} s`);
  return tally.failed > 0 || tally.passed === 0 ? 1 : 0;
}

function packagesOf(names: readonly ProgramName[]): string[] {
  return [...new Set(names.flatMap((name) => PROGRAMS[name].packages))];
}

function installCommand(names: readonly ProgramName[]): string {
  return `sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends ${packagesOf(names).join(' ')}'`;
}

/** @returns whether an installation was tried. */
function install(names: readonly ProgramName[]): boolean {
  if (process.getuid?.() !== 0 || !fs.existsSync('/usr/bin/apt-get')) return false;
  console.log(`Installing ${packagesOf(names).join(', ')}.`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', ...packagesOf(names)],
  ]) {
    const ran = spawnSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000 });
    if (ran.status !== 0) console.log(`apt-get ${args[0]} did not succeed.`);
  }
  return true;
}

/** One file after the other: each boots a whole suite. */
function runTests(files: readonly string[]): Promise<{ passed: number; failed: number; seconds: number }> {
  const began = Date.now();
  return new Promise((resolve, reject) => {
    const args = [
      '--test',
      '--test-reporter=spec',
      '--test-concurrency=1',
      '--test-timeout=120000',
      ...files,
    ];
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      process.stdout.write(text);
      output = (output + text).slice(-20_000);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      const count = (word: string): number =>
        Number(new RegExp(`^ℹ ${word} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
      const failed = count('fail') + count('cancelled');
      resolve({
        passed: count('pass'),
        failed: code !== 0 && failed === 0 ? 1 : failed,
        seconds: (Date.now() - began) / 1000,
      });
    });
  });
}
