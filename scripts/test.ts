import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { findRedis, PostgresServer, startRedis, temporaryFolder } from '@waybill/lab';
import { check } from './check.ts';
import { findPromtool } from './promtool-from-debian.ts';
import { findKubectl } from './kubectl-from-debian.ts';
import { redisFromDebian } from './redis-from-debian.ts';
import { engineMissing, engineNotFound } from '../test/containers/engine.ts';
import { notFound, runnable } from '../test/interop/programs.ts';
import { previousVersion, skewNotFound } from '../test/skew/previous-version.ts';

/**
 * `pnpm test`: checks, then every test against a real Postgres, a real Redis and real sockets.
 *
 *     pnpm test                    everything
 *     pnpm test packages/spool     the tests under this folder
 *     pnpm test --suite journeys   one suite
 */
const SUITES: readonly {
  readonly name: string;
  readonly folders: readonly string[];
  readonly parallel: number;
}[] = [
  { name: 'packages', folders: ['packages', 'scripts', 'bench', 'test/statements'], parallel: 2 },
  { name: 'services', folders: ['services'], parallel: 2 },
  { name: 'journeys', folders: ['test/journeys', 'test/skew', 'test/hostile'], parallel: 2 },
  {
    name: 'deployment',
    folders: ['test/compose-file', 'test/manifests', 'test/observe', 'test/compose'],
    parallel: 2,
  },
  { name: 'interop', folders: ['test/interop'], parallel: 2 },
  { name: 'chaos', folders: ['test/chaos'], parallel: 2 },
  // Each file brings up a deployment: one at a time.
  { name: 'containers', folders: ['test/containers', 'test/backup'], parallel: 1 },
];

interface Tally {
  readonly suite: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
}

const root = path.join(import.meta.dirname, '..');
const { values, positionals } = parseArgs({
  options: { suite: { type: 'string' }, 'no-check': { type: 'boolean', default: false } },
  allowPositionals: true,
});
process.exitCode = await main();

async function main(): Promise<number> {
  const missing: string[] = [];
  let redisMissing = false;
  if (findRedis() === undefined && process.env['REDIS_URL'] === undefined) {
    const found = redisFromDebian();
    if ('folder' in found) process.env['PATH'] = `${found.folder}${path.delimiter}${process.env['PATH']}`;
    else {
      redisMissing = true;
      missing.push(`Redis: ${found.missing}. The Redis halves of the queue and signal suites did not run.`);
    }
  }
  const kubectl = findKubectl();
  if ('missing' in kubectl) missing.push(`kubectl: ${kubectl.missing}. The manifests were not checked.`);
  else if (kubectl.folder !== undefined)
    process.env['PATH'] = `${kubectl.folder}${path.delimiter}${process.env['PATH']}`;
  if (!values['no-check'] && positionals.length === 0 && values.suite === undefined && !(await check()))
    return 1;

  const before = previousVersion();
  if ('missing' in before) missing.push(skewNotFound(before.missing));
  else before[Symbol.dispose]();

  const promtool = findPromtool();
  if ('missing' in promtool) missing.push(`${promtool.missing}. Prometheus rules were not checked.`);

  const folder = temporaryFolder();
  const postgres = await PostgresServer.start({
    dataDir: path.join(folder, 'postgres'),
    settings: { max_connections: '400' },
  });
  const redis = process.env['REDIS_URL'] === undefined ? await startRedis() : undefined;
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    WAYBILL_TEST_POSTGRES: postgres.url,
    NODE_COMPILE_CACHE: path.join(os.tmpdir(), 'node-compile-cache'),
  };
  if (redis !== undefined) env['REDIS_URL'] = redis.url;
  const tallies: Tally[] = [];
  try {
    for (const suite of SUITES) {
      if (values.suite !== undefined && suite.name !== values.suite) continue;
      const all = suite.name === 'interop' ? interopFiles(missing) : suite.folders.flatMap(testFiles);
      const files = all.filter(
        (file) => positionals.length === 0 || positionals.some((one) => file.startsWith(one)),
      );
      if (files.length === 0) continue;
      if (suite.name === 'containers' && engineMissing() !== undefined) missing.push(engineNotFound());
      else tallies.push(await runSuite(suite.name, files, suite.parallel, env));
    }
  } finally {
    await redis?.stop();
    await postgres.stop('immediate');
    fs.rmSync(folder, { recursive: true, force: true });
  }

  console.log('\nSuite        tests   failed   seconds');
  for (const tally of tallies) {
    console.log(
      `${tally.suite.padEnd(10)} ${String(tally.passed + tally.failed).padStart(7)} ${String(tally.failed).padStart(8)} ${tally.seconds.toFixed(0).padStart(9)}`,
    );
  }
  for (const line of missing) console.log(`NOT FOUND  ${line}`);
  const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0);
  const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0);
  console.log(`${passed} passed, ${failed} failed`);
  const silentlyMissing = redisMissing && process.env['CI'] !== undefined;
  if (silentlyMissing) console.log('In CI the Redis suites must run: install redis-server or set REDIS_URL.');
  return failed > 0 || passed === 0 || silentlyMissing ? 1 : 0;
}

/** The interop files whose programs are here; those that are not are named. */
function interopFiles(missing: string[]): string[] {
  const { files, missing: absent } = runnable();
  missing.push(...absent.map((name) => notFound(name).replace(/^NOT FOUND:? */, '')));
  return [...files];
}

function testFiles(folder: string): string[] {
  if (!fs.existsSync(path.join(root, folder))) return [];
  return fs
    .globSync(`${folder}/**/*.test.ts`, { cwd: root, exclude: (name) => name.includes('node_modules') })
    .toSorted();
}

function runSuite(
  suite: string,
  files: readonly string[],
  parallel: number,
  env: NodeJS.ProcessEnv,
): Promise<Tally> {
  console.log(`\n── ${suite}: ${files.length} files ──`);
  const began = Date.now();
  return new Promise((resolve, reject) => {
    const args = [
      '--test',
      '--test-reporter=spec',
      `--test-concurrency=${parallel}`,
      '--test-timeout=240000',
      ...files,
    ];
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
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
        suite,
        passed: count('pass'),
        failed: code !== 0 && failed === 0 ? 1 : failed,
        seconds: (Date.now() - began) / 1000,
      });
    });
  });
}
