import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { GenericContainer, Network, type StartedTestContainer, Wait } from 'testcontainers';

/**
 * Postgres, Redis and agents of the suite's own image, each a container, joined as in a deployment:
 * secrets from the tool, schemas from the tool, names on a network. No compose, no edge.
 */
export interface ContainerWorld extends AsyncDisposable {
  /** Runs the tool and gives its output. @throws Error unless it ends with 0 */
  tool(args: readonly string[], input?: string): string;
  /** Host and port under which an agent's port is reached from here. */
  at(agent: AgentName, port: number): { readonly host: string; readonly port: number };
  /** PEM of the authority that issued the certificate of the public doors. */
  readonly ca: string;
}

export type AgentName = 'auth' | 'mda' | 'mta' | 'mx' | 'msa' | 'mra';

const PORTS: Readonly<Record<AgentName, readonly number[]>> = {
  auth: [],
  mda: [],
  mta: [],
  mx: [2525],
  msa: [2465],
  mra: [2993],
};
const PUBLIC: ReadonlySet<AgentName> = new Set<AgentName>(['mx', 'msa', 'mra']);
const OPS = 9090;

export async function startContainers(image: string): Promise<ContainerWorld> {
  const stack = new AsyncDisposableStack();
  try {
    const network = await new Network().start();
    stack.defer(() => network.stop().then(() => undefined));
    const volume = `waybill-test-${randomBytes(6).toString('hex')}`;
    docker(['volume', 'create', volume]);
    // All of them at once, also what did not come up.
    stack.defer(() => {
      const left = docker(['ps', '--all', '--quiet', `--filter=volume=${volume}`])
        .split('\n')
        .filter(Boolean);
      if (left.length > 0) docker(['rm', '--force', '--volumes', ...left]);
      docker(['volume', 'rm', '--force', volume]);
    });
    const inVolume = (...args: string[]): string =>
      docker(['run', '--rm', '--user=0:0', '--network=none', `--volume=${volume}:/secrets`, ...args]);
    inVolume(image, 'secrets', '/secrets', '--hostname', 'localhost');
    const ca = inVolume('--entrypoint=cat', image, '/secrets/mra/ca.pem');

    const keep = (container: GenericContainer, alias: string): Promise<StartedTestContainer> =>
      container
        .withNetwork(network)
        .withNetworkAliases(alias)
        .withBindMounts([{ source: volume, target: '/secrets', mode: 'ro' }])
        .withStartupTimeout(120_000)
        .start();
    await Promise.all([
      keep(
        new GenericContainer('postgres:17')
          .withEnvironment({ POSTGRES_DB: 'waybill', POSTGRES_PASSWORD_FILE: '/secrets/postgres/password' })
          // Once while the database is made, once for good.
          .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2)),
        'postgres',
      ),
      keep(
        new GenericContainer('redis:8')
          // Its file of passwords is for the uid of Redis alone.
          .withUser('999:999')
          .withCommand(['redis-server', '/secrets/redis/redis.conf', '--save', ''])
          .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/)),
        'redis',
      ),
    ]);
    const roles = ['MSA', 'MX', 'MTA', 'MDA', 'MRA', 'AUTH', 'OPERATOR'].map(
      (role) =>
        `--env=WAYBILL_ROLE_PASSWORD_${role}_FILE=/secrets/migrate/role-password-${role.toLowerCase()}`,
    );
    const joined = [`--network=${network.getName()}`, `--volume=${volume}:/secrets:ro`];
    docker([
      'run',
      '--rm',
      ...joined,
      '--env=WAYBILL_ADMIN_DATABASE_URL_FILE=/secrets/migrate/admin-database-url',
      ...roles,
      image,
      'migrate',
    ]);

    const started = new Map<AgentName, StartedTestContainer>();
    const start = async (name: AgentName): Promise<void> => {
      const container = new GenericContainer(image)
        .withCommand([name])
        .withEnvironment(settings(name))
        .withExposedPorts(OPS, ...PORTS[name])
        .withWaitStrategy(Wait.forHttp('/readyz', OPS));
      started.set(name, await keep(container, name));
    };
    await start('auth');
    await Promise.all((['mda', 'mta', 'mx', 'msa', 'mra'] as const).map(start));

    const operator = Object.entries(settings('operator')).map(([name, value]) => `--env=${name}=${value}`);
    return {
      ca,
      tool(args, input) {
        return docker(['run', '--rm', '--interactive', ...joined, ...operator, image, ...args], input);
      },
      at(agent, port) {
        const container = started.get(agent);
        if (container === undefined) throw new RangeError(`${agent} is not in this world`);
        return { host: container.getHost(), port: container.getMappedPort(port) };
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync().catch((second: unknown) => console.error(second));
    throw error;
  }
}

/** As in docker-compose.yml, but that all folders of secrets are in sight. */
function settings(name: AgentName | 'operator'): Record<string, string> {
  const file = (one: string): string => `/secrets/${name}/${one}`;
  const tls = PUBLIC.has(name as AgentName)
    ? { WAYBILL_TLS_CERT_FILE: '/secrets/public/tls.crt', WAYBILL_TLS_KEY_FILE: '/secrets/public/tls.key' }
    : {
        WAYBILL_TLS_CERT_FILE: file('agent.pem'),
        WAYBILL_TLS_KEY_FILE: file('agent.key'),
        WAYBILL_TLS_CA_FILE: file('ca.pem'),
      };
  const asks = {
    WAYBILL_AUTH: 'auth:2100',
    WAYBILL_AUTH_CA_FILE: file('ca.pem'),
    WAYBILL_AGENT_CERT_FILE: file('agent.pem'),
    WAYBILL_AGENT_KEY_FILE: file('agent.key'),
  };
  return {
    WAYBILL_DATABASE_URL_FILE: file('database-url'),
    ...(name === 'operator' ? {} : { WAYBILL_HOSTNAME: 'localhost' }),
    ...(name === 'operator' || name === 'mta' ? {} : tls),
    ...(name === 'auth' ? {} : asks),
    ...(name === 'auth' || name === 'operator' ? {} : { WAYBILL_REDIS_URL_FILE: file('redis-url') }),
  };
}

/** @throws Error with what it said unless it ends with 0 */
function docker(args: readonly string[], input = ''): string {
  return execFileSync('docker', args, {
    input,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 300_000,
  });
}
