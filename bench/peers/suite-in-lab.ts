import { migrateAll } from '@waybill/cli';
import { type AgentName, type Replicas, World } from '@waybill/lab';
import fs from 'node:fs';
import path from 'node:path';
import type { Door } from '../clients/job.ts';
import type { Part } from '../measure/meter.ts';
import { accountsOf, allAccounts, DOMAIN, OUTSIDE, PASSWORD, type Target } from './target.ts';

/** Our suite, booted by the lab with the settings that it ships with. */
export interface SuiteInLab extends Target {
  readonly world: World;
}

const AGENTS: readonly AgentName[] = ['mx', 'msa', 'mta', 'mda', 'mra', 'auth'];
/** The sink's address in the lab's zones; mta finds it by MX as it finds any stranger. */
const SINK_ADDRESS = '127.0.5.1';

/** @param sinkPort where mail to OUTSIDE goes */
export async function startSuiteInLab(options: {
  readonly readers: number;
  readonly sinkPort: number;
  readonly replicas?: Partial<Replicas>;
}): Promise<SuiteInLab> {
  await using opening = new AsyncDisposableStack();
  const world = opening.use(
    await World.start({
      migrate: migrateAll,
      portBase: 0,
      zones: `zone ${OUTSIDE}\n@ MX 10 mx\nmx A ${SINK_ADDRESS}\n`,
      outside: [{ address: SINK_ADDRESS, port: options.sinkPort }],
      ...(options.replicas === undefined ? {} : { replicas: options.replicas }),
    }),
  );
  const accounts = accountsOf(options.readers);
  await world.addDomain(DOMAIN);
  for (const address of allAccounts(accounts)) await world.addUser(address, PASSWORD);
  const ca = fs.readFileSync(world.caFile, 'utf8');
  const door = (agent: AgentName, port: string, secure: boolean): Door => ({
    host: '127.0.0.1',
    ports: world.replicasOf(agent).map((replica) => replica.ports[port] ?? 0),
    ...(secure ? { ca } : {}),
  });
  const stack = opening.move();
  return {
    name: 'Waybill',
    versions: { Waybill: version(), ...(await serverVersions(world)) },
    settings: [
      'every agent a process of its own, default settings; passwords argon2id, a login that was right is remembered for a while',
      'PostgreSQL of the lab: fsync and synchronous_commit on, shared_buffers 128 MB',
      `the kicks: ${world.redis.description}`,
      'relay: the MX of the domain, asked of the lab’s name server',
    ],
    doors: {
      mx: door('mx', 'port', false),
      submission: door('msa', 'tls', true),
      imap: door('mra', 'imaps', true),
      pop3: door('mra', 'pop3s', true),
    },
    parts: partsOf(world),
    accounts,
    async queued() {
      // Negative while the database is away: then nothing is known to be delivered.
      const { open } = await world.database.openRecipients();
      return open < 0 ? 1 : open;
    },
    world,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** One per agent with all its replicas, Postgres, Redis where it is ours, and the lab that gathers their logs. */
function partsOf(world: World): Part[] {
  const agents = AGENTS.map((agent): Part => {
    const running = world.replicasOf(agent).map((replica) => world.agent(replica.name));
    return { label: agent, roots: () => running.flatMap((one) => one.pid ?? []) };
  });
  return [...agents, ...serversOf(world)];
}

/** One per process, for finding the one that is at its limit. */
export function processesOf(world: World): Part[] {
  const agents = world.agents.map((one): Part => ({
    label: one.name,
    roots: () => (one.pid === undefined ? [] : [one.pid]),
  }));
  return [...agents, ...serversOf(world)];
}

function serversOf(world: World): Part[] {
  return [
    { label: 'postgres', roots: () => [world.database.pid] },
    ...(world.redis.pid === null ? [] : [{ label: 'redis', roots: () => [world.redis.pid ?? 0] }]),
    // The lab runs within the bench: what the agents print goes through this process into the log file.
    { label: 'lab (log)', roots: () => [], cpuMs: ownCpuMs },
  ];
}

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function version(): string {
  const file = path.join(import.meta.dirname, '../../package.json');
  return (JSON.parse(fs.readFileSync(file, 'utf8')) as { version: string }).version;
}

async function serverVersions(world: World): Promise<Record<string, string>> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: world.database.url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    return { PostgreSQL: rows[0]?.server_version ?? 'unknown', Node: process.versions.node };
  } finally {
    await client.end();
  }
}
