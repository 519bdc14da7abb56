import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import type { Door } from '../clients/job.ts';
import { cgroupOf } from '../measure/cgroups.ts';
import type { Part } from '../measure/meter.ts';
import { runProgram } from './programs.ts';
import { accountsOf, allAccounts, DOMAIN, PASSWORD, type Target } from './target.ts';

/**
 * Our suite as a compose project that is up already, met through its edge. Nothing of it is started, changed or
 * stopped; a domain and accounts are added. Mail to strangers is not measured: it would leave the machine.
 */

/** What `docker inspect` says of one container, as far as we ask. */
export interface Container {
  readonly Id: string;
  readonly State: { readonly Pid: number };
  readonly Config: { readonly Labels: Readonly<Record<string, string>>; readonly Image: string };
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { readonly HostPort: string }[] | null>>;
  };
}

const SERVICE = 'com.docker.compose.service';
const REPOSITORY = path.join(import.meta.dirname, '../..');

/** @throws Error that says what is missing when the project is not up */
export async function openSuiteInCompose(options: {
  readonly project: string;
  readonly readers: number;
}): Promise<Target> {
  const containers = await containersOf(options.project);
  const one = (service: string): Container => {
    const found = containers.find((container) => container.Config.Labels[SERVICE] === service);
    if (found === undefined) throw new Error(`compose project ${options.project} has no running ${service}`);
    return found;
  };
  const edge = one('edge');
  const inMra = (file: string): Promise<string> => runProgram('docker', ['exec', one('mra').Id, 'cat', file]);
  // The authority of the deployment, and the certificate that is shown: it may be one of the operator's own.
  const ca = `${await inMra('/run/waybill/ca.pem')}\n${await inMra('/run/tls/tls.crt')}`;
  const accounts = accountsOf(options.readers);
  await addAccounts(options.project, allAccounts(accounts));
  const queue = new QueueCounter(one('postgres').Id);
  return {
    name: 'Waybill',
    versions: {
      Waybill: one('mx').Config.Image,
      PostgreSQL: one('postgres').Config.Image,
      edge: edge.Config.Image,
    },
    settings: [
      `containers of one compose project, ${containers.length} of them, met through the edge`,
      'the engine’s own processes are not counted',
    ],
    doors: {
      mx: doorOf(edge, 25, undefined),
      imap: doorOf(edge, 993, ca),
      pop3: doorOf(edge, 995, ca),
    },
    parts: partsOf(containers),
    accounts,
    queued: () => queue.count(),
    async [Symbol.asyncDispose]() {
      await queue.close();
    },
  };
}

async function containersOf(project: string): Promise<readonly Container[]> {
  const filter = `label=com.docker.compose.project=${project}`;
  const ids = (await runProgram('docker', ['ps', '-q', '--no-trunc', '--filter', filter]))
    .split('\n')
    .filter(Boolean);
  if (ids.length === 0)
    throw new Error(`no compose project ${project} is up: docker compose -p ${project} up -d --wait`);
  return JSON.parse(await runProgram('docker', ['inspect', ...ids])) as Container[];
}

function doorOf(edge: Container, port: number, ca: string | undefined): Door {
  const published = edge.NetworkSettings.Ports[`${port}/tcp`]?.[0]?.HostPort;
  if (published === undefined) throw new Error(`the edge does not publish port ${port}`);
  return { host: '127.0.0.1', ports: [Number(published)], ...(ca === undefined ? {} : { ca }) };
}

/** One per service, all its replicas together. A container's own group also holds what health checks run in it. */
export function partsOf(containers: readonly Container[]): Part[] {
  const services = Map.groupBy(containers, (container) => container.Config.Labels[SERVICE] ?? 'unknown');
  return [...services].map(([label, replicas]): Part => {
    const pids = replicas.map((replica) => replica.State.Pid);
    const groups = pids.map((pid) => cgroupOf(pid));
    const roots = (): readonly number[] => pids;
    if (groups.some((group) => group === undefined)) return { label, roots };
    return {
      label,
      roots,
      cpuMs: () => groups.reduce((sum, group) => sum + (group?.cpuMs() ?? Number.NaN), 0),
    };
  });
}

/** Run by the image, with the operator's certificate, in one container for all accounts. */
const ADD = `
import fs from 'node:fs';
import { DirectoryClient, DirectoryError, MAIN_LABEL } from '@waybill/auth-client';
const file = (name) => fs.readFileSync(process.env[name], 'utf8');
const directory = new DirectoryClient({
  addresses: process.env.WAYBILL_AUTH,
  ca: file('WAYBILL_AUTH_CA_FILE'), cert: file('WAYBILL_AGENT_CERT_FILE'), key: file('WAYBILL_AGENT_KEY_FILE'),
});
const unlessExists = (error) => { if (!(error instanceof DirectoryError) || error.code !== 'exists') throw error; };
const { domain, addresses, password } = JSON.parse(process.argv[1]);
await directory.call('domains/add', { name: domain, route: 'local' }).catch(unlessExists);
for (const address of addresses) {
  await directory.call('accounts/add', { address }).catch(unlessExists);
  await directory.call('credentials/set', { address, label: MAIN_LABEL, password });
}
await directory[Symbol.asyncDispose]?.();
directory[Symbol.dispose]?.();
`;

async function addAccounts(project: string, addresses: readonly string[]): Promise<void> {
  const wanted = JSON.stringify({ domain: DOMAIN, addresses, password: PASSWORD });
  const where = [
    '-p',
    project,
    '--project-directory',
    REPOSITORY,
    '-f',
    path.join(REPOSITORY, 'docker-compose.yml'),
  ];
  const run = [
    'run',
    '--rm',
    '--no-deps',
    '-T',
    '-w',
    '/waybill/packages/cli',
    '--entrypoint',
    'node',
    'waybill',
  ];
  await runProgram('docker', ['compose', ...where, ...run, '--input-type=module', '-e', ADD, wanted], {
    limitMs: 300_000,
  });
}

/** Asks the spool by one psql session, kept open: asking must cost less than what is measured. */
class QueueCounter {
  readonly #psql: ChildProcess;
  #waiting: ((line: string | undefined) => void)[] = [];
  #rest = '';

  constructor(container: string) {
    this.#psql = spawn(
      'docker',
      ['exec', '-i', '-u', 'postgres', container, 'psql', '-qAt', '-d', 'waybill'],
      {
        stdio: ['pipe', 'pipe', 'ignore'],
      },
    );
    this.#psql.stdin?.on('error', () => undefined);
    this.#psql.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#waiting.shift()?.(line);
    });
    const gone = (): void => {
      for (const tell of this.#waiting.splice(0)) tell(undefined);
    };
    this.#psql.on('error', gone);
    this.#psql.on('exit', gone);
  }

  /** @throws Error when the session is gone */
  async count(): Promise<number> {
    const line = await new Promise<string | undefined>((resolve) => {
      this.#waiting.push(resolve);
      if (this.#psql.exitCode !== null) resolve(undefined);
      this.#psql.stdin?.write('select count(*) from spool.rcpt where state in (0, 1);\n');
    });
    if (line === undefined) throw new Error('psql in the postgres container ended');
    return Number(line);
  }

  async close(): Promise<void> {
    if (this.#psql.exitCode !== null || this.#psql.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => this.#psql.once('exit', () => resolve()));
    this.#psql.stdin?.end();
    await gone;
  }
}
