import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';

/**
 * Whether a container engine is here for the tests that need one. A test never pretends: without an
 * engine it registers nothing, and says so.
 */
/** Where no engine is the command says so at once; only one that hangs is waited for. */
const PATIENCE_MS = 10_000;
const REAPER = 'testcontainers/ryuk:0.14.0';

let known: { readonly missing: string | undefined } | undefined;

/** Why no engine can be used; undefined when one answers. */
export function engineMissing(): string | undefined {
  known ??= { missing: look() };
  return known.missing;
}

function look(): string | undefined {
  const asked = spawnSync('docker', ['info', '--format', '{{.ServerVersion}}'], {
    encoding: 'utf8',
    timeout: PATIENCE_MS,
  });
  if (asked.error !== undefined)
    return (asked.error as NodeJS.ErrnoException).code === 'ENOENT'
      ? 'there is no docker command'
      : `docker info did not answer within ${PATIENCE_MS / 1000} s`;
  const [why] = asked.stderr.trim().split('\n');
  return asked.status === 0 && asked.stdout.trim() !== '' ? undefined : why || 'docker info failed';
}

/** What to say where no engine is. */
export function engineNotFound(): string {
  return `a container engine (${engineMissing() ?? 'here now'}): test/containers and test/backup need Docker with compose`;
}

/** First line of a test file: ends the file, with one line and no test, where no engine is. */
export function needsEngine(file: string): void {
  if (engineMissing() === undefined) {
    // The reaper removes what a killed run left. Where its image is not here, this run removes its own.
    if (!hasImage(REAPER)) process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
    return;
  }
  console.log(`NOT FOUND: ${engineNotFound()}; ${path.basename(file)} did not run`);
  process.exit(0);
}

export function hasImage(name: string): boolean {
  return spawnSync('docker', ['image', 'inspect', name], { stdio: 'ignore', timeout: 10_000 }).status === 0;
}

/**
 * The suite's own image: the one that `WAYBILL_TEST_IMAGE` names, else built from this tree. A build
 * of what was built before takes seconds.
 */
export function suiteImage(): string {
  const given = process.env['WAYBILL_TEST_IMAGE'];
  if (given !== undefined && given !== '') return given;
  const tag = 'waybill:test';
  execFileSync('docker', ['build', '--quiet', '--tag', tag, path.join(import.meta.dirname, '..', '..')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 600_000,
  });
  return tag;
}
