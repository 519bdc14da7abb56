import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { DirectoryClient, DirectoryError, MAIN_LABEL } from '@waybill/auth-client';
import {
  agentEnvironment,
  AGENTS,
  type AgentName,
  planReplicas,
  type Replica,
  type Replicas,
  type Surroundings,
} from './agents.ts';
import { CertificateAuthority } from '@waybill/certificates';
import { type DnsServer, startDns } from './dns-server.ts';
import { LAB_FILE, type LabFile, writeLabFile } from './lab-file.ts';
import { openLabDatabase, type LabDatabase } from './lab-database.ts';
import { DEFAULT_PORT_BASE, planPorts, type Ports } from './port-plan.ts';
import { temporaryFolder } from './postgres-server.ts';
import { openLabRedis, type LabRedis } from './lab-redis.ts';
import { acceptLater, rejectAll, startScriptedPeer } from './scripted-peer.ts';
import { SupervisedAgent } from './supervised-agent.ts';
import { HOSTS, labZones } from './zones.ts';

/**
 * The whole small mail world: Postgres, DNS, an authority, all agents as processes of their own,
 * two domains and a few bad ones. What dies is started again; when the world's process dies,
 * nothing is left behind.
 */
export interface WorldOptions {
  /** Brings the database's schemas up to date; `passwords` names each agent's login. */
  readonly migrate: (adminUrl: string, passwords: (role: string) => string | undefined) => Promise<void>;
  /** Folder that keeps the world between runs; a temporary one when undefined. */
  readonly dataDir?: string | undefined;
  /** 2000 by default; 0 takes free ports. */
  readonly portBase?: number;
  readonly replicas?: Partial<Replicas>;
  /** `auto` takes a redis-server or valkey-server on PATH; `none` keeps kicks in Postgres; or a URL. */
  readonly redis?: string;
  /** Opens mta's inner SMTP door, for mail of other machines; closed by default. */
  readonly mtaDoor?: boolean;
  /** Seconds between attempts, comma-separated. */
  readonly retrySchedule?: string;
  readonly extra?: Surroundings['extra'];
  /** Further zones, as text (see zone-text.ts). */
  readonly zones?: string;
  /** Scripted hosts of the further zones: address of their port 25 to a local port. */
  readonly outside?: Surroundings['outside'];
  /** Replicas that run from another checkout, e.g. of the version before: `mx-2` to the folder that holds its `services/`. */
  readonly roots?: Readonly<Record<string, string>>;
  /** One line of the one log: `mx-1 | {…}`. */
  readonly onLine?: (line: string) => void;
}

export interface LabUser {
  readonly address: string;
  readonly password: string;
}

export class World {
  readonly dataDir: string;
  readonly ports: Ports;
  readonly users: LabUser[] = [];
  readonly directory: DirectoryClient;
  readonly database: LabDatabase;
  readonly redis: LabRedis;
  readonly operatorEnv: Readonly<Record<string, string>>;
  readonly #replicas: readonly Replica[];
  readonly #agents: ReadonlyMap<string, SupervisedAgent>;
  readonly #dns: DnsServer;
  readonly #zones: string;
  /** The DKIM records of our domains, as zones. */
  readonly #signed = new Map<string, string>();
  readonly #stack: AsyncDisposableStack;

  private constructor(parts: {
    dataDir: string;
    ports: Ports;
    directory: DirectoryClient;
    database: LabDatabase;
    redis: LabRedis;
    operatorEnv: Readonly<Record<string, string>>;
    replicas: readonly Replica[];
    agents: ReadonlyMap<string, SupervisedAgent>;
    dns: DnsServer;
    zones: string;
    stack: AsyncDisposableStack;
  }) {
    this.dataDir = parts.dataDir;
    this.ports = parts.ports;
    this.directory = parts.directory;
    this.database = parts.database;
    this.redis = parts.redis;
    this.operatorEnv = parts.operatorEnv;
    this.#replicas = parts.replicas;
    this.#agents = parts.agents;
    this.#dns = parts.dns;
    this.#zones = parts.zones;
    this.#stack = parts.stack;
  }

  /** Boots everything and resolves when every agent is ready. On failure nothing is left running. */
  static async start(options: WorldOptions): Promise<World> {
    await using opening = new AsyncDisposableStack();
    const dataDir = path.resolve(options.dataDir ?? temporaryFolder());
    fs.mkdirSync(dataDir, { recursive: true });
    if (options.dataDir === undefined)
      opening.defer(() => fs.rmSync(dataDir, { recursive: true, force: true }));
    else opening.defer(() => fs.rmSync(path.join(dataDir, LAB_FILE), { force: true }));

    const log = fs.createWriteStream(path.join(dataDir, 'lab.log'), { flags: 'a', mode: 0o600 });
    opening.defer(() => new Promise<void>((resolve) => log.end(() => resolve())));
    const onLine = (name: string, line: string): void => {
      const prefixed = `${name.padEnd(8)} | ${line}`;
      log.write(`${prefixed}\n`);
      options.onLine?.(prefixed);
    };

    const ports = await planPorts(options.portBase ?? DEFAULT_PORT_BASE);
    const counts: Replicas = { auth: 1, mda: 1, mta: 1, mx: 1, msa: 1, mra: 1, ...options.replicas };
    const replicas = await planReplicas(ports, counts);
    let world: World | undefined = undefined;
    const changed = (): void => world?.writeFile();

    const database = opening.use(
      await openLabDatabase(dataDir, {
        migrate: options.migrate,
        onLine: (line) => onLine('postgres', line),
        onRestart: changed,
      }),
    );
    const redis = opening.use(await openLabRedis(options.redis ?? 'auto', { onRestart: changed }));
    const zones = `${labZones(counts.mx)}\n${options.zones ?? ''}`;
    const dns = opening.use(await startDns({ zones, port: ports.dns }));
    const rejecting = opening.use(await startScriptedPeer({ hostname: 'mx.reject.test', rcpt: rejectAll }));
    const slow = opening.use(await startScriptedPeer({ hostname: 'mx.slow.test', rcpt: acceptLater() }));
    const certificates = await issueCertificates(dataDir);

    const around: Surroundings = {
      certificates,
      databaseUrl: (role) => database.urlAs(role),
      redis: redis.url,
      dns: dns.address,
      replicas,
      outside: [
        { address: HOSTS.reject, port: rejecting.port },
        { address: HOSTS.slow, port: slow.port },
        ...(options.outside ?? []),
      ],
      mtaDoor: options.mtaDoor ?? false,
      retrySchedule: options.retrySchedule ?? '3,6,12,30,60',
      extra: options.extra ?? {},
    };
    const agents = new Map<string, SupervisedAgent>();
    for (const replica of replicas) {
      const main = mainFile(replica.agent, options.roots?.[replica.name]);
      agents.set(
        replica.name,
        new SupervisedAgent(
          { name: replica.name, main, env: agentEnvironment(replica, around) },
          { onLine, onRestart: changed },
        ),
      );
    }
    opening.defer(async () => {
      // Doors close first, then those who work behind them.
      for (const group of [['mx', 'msa', 'mra'], ['mta'], ['mda'], ['auth']]) {
        await Promise.all(
          [...agents.values()]
            .filter((agent) => group.includes(agent.name.split('-')[0] ?? ''))
            .map((agent) => agent.stop()),
        );
      }
    });
    await Promise.all([...agents.values()].map((agent) => agent.start()));

    const operatorEnv = {
      WAYBILL_AUTH: around.replicas
        .filter((one) => one.agent === 'auth')
        .map((one) => `127.0.0.1:${one.ports['port']}`)
        .join(','),
      WAYBILL_AUTH_CA_FILE: path.join(certificates, 'ca.pem'),
      WAYBILL_AGENT_CERT_FILE: path.join(certificates, 'operator.pem'),
      WAYBILL_AGENT_KEY_FILE: path.join(certificates, 'operator.key'),
      WAYBILL_DATABASE_URL: database.urlAs('operator'),
    };
    const directory = new DirectoryClient({
      addresses: operatorEnv.WAYBILL_AUTH,
      ca: fs.readFileSync(operatorEnv.WAYBILL_AUTH_CA_FILE, 'utf8'),
      cert: fs.readFileSync(operatorEnv.WAYBILL_AGENT_CERT_FILE, 'utf8'),
      key: fs.readFileSync(operatorEnv.WAYBILL_AGENT_KEY_FILE, 'utf8'),
    });
    opening.use(directory);
    world = new World({
      dataDir,
      ports,
      directory,
      database,
      redis,
      operatorEnv,
      replicas,
      agents,
      dns,
      zones,
      stack: opening.move(),
    });
    world.writeFile();
    return world;
  }

  /**
   * Adds a domain unless it is there, and publishes its DKIM records. `route` as in the directory: `local`, `mx`,
   * `lmtp://host:port`.
   */
  async addDomain(name: string, route = 'local'): Promise<void> {
    await this.directory.call('domains/add', { name, route }).catch(unlessExists);
    await this.publishKeys(name);
  }

  /** Brings the DKIM records of a domain up to date in the lab's DNS. An auth that knows no keys has none. */
  async publishKeys(domain: string): Promise<void> {
    try {
      const { keys } = await this.directory.call('domains/dkim', { name: domain });
      const records = keys.filter(({ state }) => state !== 'retired').map(txtRecord);
      this.#signed.set(domain, `zone _domainkey.${domain}\n${records.join('\n')}`);
    } catch (error) {
      if (!(error instanceof DirectoryError)) throw error;
      return;
    }
    this.#dns.setZones(`${this.#zones}\n${[...this.#signed.values()].join('\n')}`);
  }

  /** Adds an account (or finds it) and gives it this password, or a new random one that no command line takes for an option. */
  async addUser(address: string, password = randomBytes(9).toString('hex')): Promise<LabUser> {
    const user = { address, password };
    await this.directory.call('accounts/add', { address }).catch(unlessExists);
    await this.directory.call('credentials/set', { address, label: MAIN_LABEL, password: user.password });
    this.users.push(user);
    this.writeFile();
    return user;
  }

  async addAlias(address: string, targets: string[]): Promise<void> {
    await this.directory.call('aliases/add', { address, targets });
  }

  replicasOf(agent: AgentName): readonly Replica[] {
    return this.#replicas.filter((replica) => replica.agent === agent);
  }

  agent(name: string): SupervisedAgent {
    const agent = this.#agents.get(name);
    if (agent === undefined)
      throw new Error(`no ${name} in this lab; there are ${[...this.#agents.keys()].join(', ')}`);
    return agent;
  }

  /** Stops a replica in order and starts it again, from `root` (this checkout when not given): an upgrade, or the way back. */
  async replace(name: string, root?: string): Promise<void> {
    const agent = this.#replicas.find((replica) => replica.name === name)?.agent;
    if (agent === undefined) throw new Error(`no ${name} in this lab`);
    await this.agent(name).replace(mainFile(agent, root));
    this.writeFile();
  }

  get agents(): readonly SupervisedAgent[] {
    return [...this.#agents.values()];
  }

  get caFile(): string {
    return path.join(this.dataDir, 'ca.pem');
  }

  /** Resolves when no recipient is due or on its way; those that wait for a later attempt do not count. @throws after `timeoutMs`. */
  async quiet(timeoutMs = 30_000): Promise<void> {
    await this.#until(timeoutMs, ({ due }) => due);
  }

  /** Resolves when the spool holds no recipient that is not finished, later attempts included. @throws after `timeoutMs`. */
  async empty(timeoutMs = 30_000): Promise<void> {
    await this.#until(timeoutMs, ({ open }) => open);
  }

  async #until(
    timeoutMs: number,
    count: (recipients: { open: number; due: number }) => number,
  ): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const left = count(await this.database.openRecipients());
      if (left === 0) return;
      if (Date.now() > deadline)
        throw new Error(`the lab is not quiet after ${timeoutMs} ms: ${left} recipients are open`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** Rewrites lab.json with today's pids. */
  writeFile(): void {
    const replicas = Object.fromEntries(
      AGENTS.map((agent) => [
        agent,
        this.replicasOf(agent).map((replica) => ({
          ...replica.ports,
          pid: this.agent(replica.name).pid ?? 0,
        })),
      ]),
    );
    const content: LabFile = {
      ports: this.ports,
      replicas,
      users: this.users,
      ca: 'ca.pem',
      pids: { lab: process.pid, postgres: this.database.pid, redis: this.redis.pid },
      postgres: this.database.url,
      redis: this.redis.url,
      operator: this.operatorEnv,
    };
    writeLabFile(this.dataDir, content);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

function mainFile(agent: AgentName, root = path.join(import.meta.dirname, '../../..')): string {
  return path.join(root, 'services', agent, 'src/main.ts');
}

/** One TXT record, in strings of at most 255 octets (RFC 1035 §3.3.14). */
function txtRecord({ name, record }: { readonly name: string; readonly record: string }): string {
  const strings = record.match(/.{1,255}/g) ?? [];
  return `${name}. TXT ${strings.map((string) => `"${string}"`).join(' ')}`;
}

function unlessExists(error: unknown): void {
  if (!(error instanceof DirectoryError) || error.code !== 'exists') throw error;
}

/** Certificates of the inner doors (one per agent, its name first) and one for the public doors. */
async function issueCertificates(dataDir: string): Promise<string> {
  const folder = path.join(dataDir, 'certificates');
  const authority = await CertificateAuthority.open(folder, 'Waybill lab');
  for (const agent of [...AGENTS, 'operator'])
    await authority.issueInto(folder, agent, [agent, 'localhost'], ['127.0.0.1']);
  await authority.issueInto(
    folder,
    'public',
    ['mail.red.test', 'mx.red.test', 'mx.blue.test', 'localhost'],
    ['127.0.0.1', '::1'],
  );
  fs.copyFileSync(path.join(folder, 'ca.pem'), path.join(dataDir, 'ca.pem'));
  return folder;
}
