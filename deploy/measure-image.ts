import { execFile } from 'node:child_process';
import { parseArgs, promisify } from 'node:util';

/**
 * Size of the image, how long an agent takes from nothing to its first word, with and without the
 * compiled code that the image carries, and the memory of every agent of a running project:
 *
 *     node deploy/measure-image.ts [--image waybill:0.3.0] [--project waybill]
 */
const AGENTS = ['auth', 'mda', 'mta', 'mx', 'msa', 'mra'];
const RUNS = 3;

const { values } = parseArgs({
  options: {
    image: { type: 'string', default: 'waybill:0.3.0' },
    project: { type: 'string', default: 'waybill' },
  },
});

/** What a docker command prints. @throws Error with what it complained of */
async function docker(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('docker', args, { maxBuffer: 8 * 1024 * 1024 });
  return stdout.trim();
}

/** Runs a script inside a container of the image and reads the numbers that it prints. */
async function inside(script: string, env: readonly string[] = []): Promise<number[]> {
  const settings = env.flatMap((one) => ['--env', one]);
  const text = await docker(
    'run',
    '--rm',
    '--read-only',
    '--network',
    'none',
    '--cap-drop',
    'ALL',
    ...settings,
    '--entrypoint',
    'node',
    values.image,
    '--eval',
    script,
  );
  return text.split(/\s+/).map(Number);
}

/** CPU and wall milliseconds of an agent that loads everything, finds no settings, and ends. */
function startOf(agent: string): string {
  return `const { spawnSync } = require('node:child_process');
    const began = performance.now();
    for (let i = 0; i < ${RUNS}; i++) spawnSync(process.execPath, ['/waybill/deploy/entry.ts', '${agent}']);
    const wall = performance.now() - began;
    const cpu = require('node:fs').readFileSync('/proc/self/stat', 'utf8').split(' ').slice(15, 17);
    console.log((wall / ${RUNS}).toFixed(0), ((Number(cpu[0]) + Number(cpu[1])) * 10 / ${RUNS}).toFixed(0));`;
}

const bytes = Number(await docker('image', 'inspect', '--format', '{{.Size}}', values.image));
const base = Number(
  await docker('image', 'inspect', '--format', '{{.Size}}', 'node:24-slim').catch(() => 'NaN'),
);
console.log(`image    ${megabytes(bytes)}, of which ours ${megabytes(bytes - base)}`);

console.log('\nagent   cold start: ms (CPU ms)   without compiled code');
for (const agent of AGENTS) {
  const [wall, cpu] = await inside(startOf(agent));
  const [plainWall, plainCpu] = await inside(startOf(agent), ['NODE_COMPILE_CACHE=']);
  console.log(`${agent.padEnd(7)} ${`${wall} (${cpu})`.padEnd(25)} ${plainWall} (${plainCpu})`);
}

const running = await docker(
  'compose',
  '-p',
  values.project,
  'ps',
  '--format',
  '{{.Name}} {{.Service}}',
).catch(() => '');
const containers = running
  .split('\n')
  .map((line) => line.split(' '))
  .filter(([, service]) => AGENTS.includes(service ?? ''));
if (containers.length > 0) console.log('\nreplica            resident memory of the agent');
for (const [name = ''] of containers) {
  const status = await docker('exec', name, 'node', '--eval', resident());
  console.log(`${name.padEnd(18)} ${status}`);
}

/** Finds the agent's process (not the container's init, not this one) and prints its resident memory. */
function resident(): string {
  return `const fs = require('node:fs');
    for (const pid of fs.readdirSync('/proc').filter((name) => /^\\d+$/.test(name))) {
      const command = fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8').split('\\0');
      if (!command[0].endsWith('node') || !command[1].endsWith('entry.ts')) continue;
      const kb = Number(/VmRSS:\\s+(\\d+)/.exec(fs.readFileSync('/proc/' + pid + '/status', 'utf8'))[1]);
      console.log((kb / 1024).toFixed(0) + ' MiB');
    }`;
}

function megabytes(count: number): string {
  return `${(count / 1e6).toFixed(0)} MB`;
}
