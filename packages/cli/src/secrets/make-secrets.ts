import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { CertificateAuthority } from '@waybill/certificates';
import { AGENT_ROLES, type AgentRole } from '@waybill/postgres';
import { keepPair } from './certificate-pair.ts';
import { type GivenPair, samePair } from './given-pair.ts';
import { SecretFolder } from './secret-folder.ts';

/**
 * Everything secret of one deployment, made once: a folder per reader, so that each agent can be
 * shown its own part and nothing else.
 *
 *     authority/   ca.pem ca.key                                      nobody mounts it
 *     <agent>/     ca.pem agent.pem agent.key database-url redis-url
 *     operator/    the same, for the tool
 *     migrate/     admin-database-url role-password-<agent>
 *     postgres/    password             redis/  password redis.conf
 *     public/      tls.crt tls.key      the certificate of the public doors
 *     grafana/     admin-password       where there is one
 */
export interface SecretsPlan {
  /** What the world calls this server: the public certificate is for it when none is given. */
  readonly hostname: string;
  /** uid of the agents, of the database, of Redis, and of Grafana where there is one. */
  readonly owners: {
    readonly agents: number;
    readonly postgres: number;
    readonly redis: number;
    readonly grafana?: number;
  };
  /** `host:port` and name of the database, and its superuser. */
  readonly database: { readonly at: string; readonly name: string; readonly admin: string };
  /** `host:port`; null where kicks and wake-ups go through Postgres. */
  readonly redis: string | null;
  /** New certificates even where the old ones would do for long. */
  readonly renew: boolean;
  /** The certificate of the public doors, when somebody has a better one than ours. */
  readonly given?: GivenPair | undefined;
}

/** Who never speaks to Redis. */
const WITHOUT_REDIS: ReadonlySet<AgentRole> = new Set(['auth']);
const AGENT_PAIR = { certificate: 'agent.pem', key: 'agent.key' } as const;
const PUBLIC_PAIR = { certificate: 'tls.crt', key: 'tls.key' } as const;

/**
 * Makes what is missing below `root` and leaves what is there; certificates are renewed when less
 * than a third of their life is left. Two halves of one secret are made from each other.
 * @returns a line for people for each thing that changed
 * @throws what the file system says
 */
export async function makeSecrets(root: string, plan: SecretsPlan): Promise<string[]> {
  const said: string[] = [];
  // Owner 0: whoever runs this, and no reader.
  const kept = new SecretFolder(root, 'authority', process.getuid?.() ?? 0);
  const authority = await CertificateAuthority.open(kept.path, `Waybill at ${plan.hostname}`);
  kept.keep('ca.key', () => '');
  kept.write('ca.pem', authority.certificate);

  const migrate = new SecretFolder(root, 'migrate', plan.owners.agents);
  const postgres = new SecretFolder(root, 'postgres', plan.owners.postgres);
  const admin = postgres.keep(
    'password',
    () => passwordIn(migrate.read('admin-database-url')) ?? randomPassword(),
  );
  migrate.keep('admin-database-url', () => databaseUrl(plan, plan.database.admin, admin));
  const redis = plan.redis === null ? undefined : keepRedis(root, plan.redis, plan.owners.redis);

  for (const agent of AGENT_ROLES) {
    const folder = new SecretFolder(root, agent, plan.owners.agents);
    folder.write('ca.pem', authority.certificate);
    const fate = await keepPair(folder, AGENT_PAIR, authority, [agent], { renew: plan.renew });
    if (fate === 'issued') said.push(`${agent}: a certificate`);
    const password = migrate.keep(
      `role-password-${agent}`,
      () => passwordIn(folder.read('database-url')) ?? randomPassword(),
    );
    folder.keep('database-url', () => databaseUrl(plan, `waybill_${agent}`, password));
    if (redis !== undefined && !WITHOUT_REDIS.has(agent)) folder.keep('redis-url', () => redis);
  }
  if (plan.owners.grafana !== undefined)
    new SecretFolder(root, 'grafana', plan.owners.grafana).keep('admin-password', randomPassword);
  said.push(...(await keepPublic(root, authority, plan)));
  return said;
}

/** The password file of Redis and its configuration that says the same. @returns the agents' URL */
function keepRedis(root: string, at: string, owner: number): string {
  const folder = new SecretFolder(root, 'redis', owner);
  const password = folder.keep('password', randomPassword);
  folder.write('redis.conf', `requirepass ${password}\n`);
  return `redis://:${password}@${at}/0`;
}

/** The public doors show what was given, else a certificate of our own authority. */
async function keepPublic(
  root: string,
  authority: CertificateAuthority,
  plan: SecretsPlan,
): Promise<string[]> {
  const folder = new SecretFolder(root, 'public', plan.owners.agents);
  if (plan.given !== undefined) {
    if (samePair(folder.read(PUBLIC_PAIR.certificate), plan.given)) return [];
    folder.write(PUBLIC_PAIR.key, plan.given.key);
    folder.write(PUBLIC_PAIR.certificate, plan.given.certificate);
    return ['public: the certificate that was given'];
  }
  const names = plan.hostname === 'localhost' ? ['localhost'] : [plan.hostname, 'localhost'];
  const fate = await keepPair(folder, PUBLIC_PAIR, authority, names, {
    addresses: ['127.0.0.1', '::1'],
    renew: plan.renew,
    foreign: 'leave',
  });
  return fate === 'issued'
    ? [`public: a certificate for ${plan.hostname}, issued by ${path.join(root, 'authority', 'ca.pem')}`]
    : [];
}

function databaseUrl(plan: SecretsPlan, user: string, password: string): string {
  return `postgres://${user}:${password}@${plan.database.at}/${plan.database.name}`;
}

function passwordIn(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { password } = new URL(url);
  return password === '' ? undefined : decodeURIComponent(password);
}

/** 192 bits, of letters that need no quoting in a URL, a shell or a configuration file. */
function randomPassword(): string {
  return randomBytes(24).toString('base64url');
}
