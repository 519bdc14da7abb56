import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { agentSchema, loadConfig } from '@waybill/daemon';
import { AuthClientSchema } from '@waybill/auth-client';
import { temporaryFolder } from '@waybill/lab';
import { AGENT_ROLES } from '@waybill/postgres';
import { makeSecrets } from '../../packages/cli/src/secrets/make-secrets.ts';
import { AuthSettings } from '../../services/auth/src/config.ts';
import { MdaSettings } from '../../services/mda/src/config.ts';
import { MraSettings } from '../../services/mra/src/config.ts';
import { MsaSettings } from '../../services/msa/src/config.ts';
import { MtaSettings } from '../../services/mta/src/config.ts';
import { MxSettings } from '../../services/mx/src/config.ts';
import { readComposeFile, ROOT, type Service } from './compose-file.ts';

/**
 * docker-compose.yml and the edge's configuration, held against what the agents, the secrets and the
 * Dockerfile say. No engine is needed.
 */
const AGENTS = {
  auth: agentSchema(AuthSettings),
  mda: agentSchema(MdaSettings),
  mta: agentSchema(MtaSettings),
  mx: agentSchema(MxSettings),
  msa: agentSchema(MsaSettings),
  mra: agentSchema(MraSettings),
} as const;
const NAMES = Object.keys(AGENTS) as (keyof typeof AGENTS)[];
const ONE_SHOTS = ['secrets', 'migrate'];

const file = readComposeFile();
const haproxy = fs.readFileSync(path.join(ROOT, 'deploy/edge/haproxy.cfg'), 'utf8');
const hold = fs.readFileSync(path.join(ROOT, 'deploy/edge/hold.lua'), 'utf8');
const secretsFolder = temporaryFolder();
after(() => fs.rmSync(secretsFolder, { recursive: true, force: true }));
const uid = process.getuid?.() ?? 0;
await makeSecrets(secretsFolder, {
  hostname: 'localhost',
  owners: { agents: uid, postgres: uid, redis: uid },
  database: { at: 'postgres:5432', name: 'waybill', admin: 'postgres' },
  redis: 'redis:6379',
  renew: false,
});

function service(name: string): Service {
  const found = file.services.get(name);
  assert.ok(found !== undefined, `docker-compose.yml has no service ${name}`);
  return found;
}

/** Where a file inside a service's container comes from: the secrets that were made, or a mount of its own. */
function secretAt(of: Service, inside: string): string | undefined {
  const alone = of.volumes.find(({ target }) => target === inside);
  if (alone !== undefined) return alone.source;
  const mount = of.volumes.find(
    ({ source, target }) => source === 'secrets' && inside.startsWith(`${target}/`),
  );
  if (mount?.subpath === undefined) return undefined;
  return path.join(secretsFolder, mount.subpath, path.relative(mount.target, inside));
}

/** A service's settings as its agent would read them, with secrets from where they are mounted. */
function configOf(name: keyof typeof AGENTS): Readonly<Record<string, unknown>> {
  const of = service(name);
  const here = [...of.environment].map(([key, value]) => [key, secretAt(of, value) ?? value]);
  return loadConfig(AGENTS[name], Object.fromEntries(here) as NodeJS.ProcessEnv);
}

for (const name of NAMES) {
  test(`${name} reads its settings without a fault`, () => {
    assert.deepEqual(service(name).command, [name]);
    assert.doesNotThrow(() => configOf(name));
  });
}

test('every file that a setting names is made by the secrets service, in the reader’s own part', () => {
  for (const of of file.services.values()) {
    for (const [key, value] of of.environment) {
      if (!value.startsWith('/run/')) continue;
      const made = secretAt(of, value);
      assert.ok(made !== undefined && fs.existsSync(made), `${of.name}: ${key}=${value}`);
    }
  }
});

test('nobody but the secrets service sees more of the secrets than its own folder', () => {
  const readers = new Map([['waybill', 'operator']]);
  for (const of of file.services.values()) {
    if (of.name === 'secrets') continue;
    for (const mount of of.volumes.filter(({ source }) => source === 'secrets')) {
      const own = mount.target === '/run/tls' ? 'public' : (readers.get(of.name) ?? of.name);
      assert.equal(mount.subpath, own, of.name);
      assert.ok(mount.readOnly, `${of.name} mounts ${mount.target} to write`);
    }
  }
});

test('migrate is given the login of every role', () => {
  const roles = AGENT_ROLES.map((role) => `WAYBILL_ROLE_PASSWORD_${role.toUpperCase()}_FILE`);
  assert.deepEqual(
    [...service('migrate').environment.keys()].toSorted(),
    ['WAYBILL_ADMIN_DATABASE_URL_FILE', ...roles].toSorted(),
  );
});

test('the tool asks auth as operator', () => {
  const of = service('waybill');
  const own = new Set([
    'WAYBILL_DATABASE_URL_FILE',
    'WAYBILL_HOSTNAME',
    'WAYBILL_DNS_SERVERS',
    'WAYBILL_PUBLIC_ADDRESSES',
    'WAYBILL_DOCTOR_OUTBOUND',
  ]);
  const names = [...of.environment.keys()].filter((key) => !own.has(key));
  for (const name of names) assert.ok(name in AuthClientSchema.properties, name);
  assert.ok(names.includes('WAYBILL_AGENT_CERT_FILE'));
});

test('inner hops lead to the ports that the agents listen on', () => {
  for (const name of NAMES) {
    const config = configOf(name);
    if ('WAYBILL_AUTH' in config)
      assert.equal(config['WAYBILL_AUTH'], `auth:${String(configOf('auth')['WAYBILL_AUTH_PORT'])}`, name);
  }
  assert.equal(configOf('mta')['WAYBILL_MDA'], `mda:${String(configOf('mda')['WAYBILL_LMTP_PORT'])}`);
});

/** Door by door: the edge's port, the variable that publishes it, and where it leads. */
const DOORS: readonly (readonly [number, string, keyof typeof AGENTS, string])[] = [
  [25, 'SMTP_PORT', 'mx', 'WAYBILL_MX_PORT'],
  [587, 'SUBMISSION_PORT', 'msa', 'WAYBILL_MSA_PORT'],
  [465, 'SUBMISSIONS_PORT', 'msa', 'WAYBILL_MSA_TLS_PORT'],
  [143, 'IMAP_PORT', 'mra', 'WAYBILL_IMAP_PORT'],
  [993, 'IMAPS_PORT', 'mra', 'WAYBILL_IMAPS_PORT'],
  [110, 'POP3_PORT', 'mra', 'WAYBILL_POP3_PORT'],
  [995, 'POP3S_PORT', 'mra', 'WAYBILL_POP3S_PORT'],
];

/** The lines of one section of the edge's configuration. */
function section(kind: string, name: string): string[] {
  const lines = haproxy.split('\n');
  const start = lines.indexOf(`${kind} ${name}`);
  assert.notEqual(start, -1, `haproxy.cfg has no ${kind} ${name}`);
  const end = lines.findIndex((line, i) => i > start && line !== '' && !line.startsWith(' '));
  return lines.slice(start + 1, end === -1 ? undefined : end).map((line) => line.trim());
}

test('every door of the edge is published, bound for both families, and leads to its agent', () => {
  assert.deepEqual(
    [...service('edge').ports].toSorted(),
    DOORS.map(([port, variable]) => `${[...(file.variables.get(variable) ?? [])].join()}:${port}`).toSorted(),
  );
  const frontends = haproxy
    .split('\n')
    .filter((line) => line.startsWith('frontend ') && line !== 'frontend ops');
  assert.equal(frontends.length, DOORS.length);
  for (const [port, , agent, setting] of DOORS) {
    const name = frontends
      .map((line) => line.slice('frontend '.length))
      .find((one) => section('frontend', one).includes(`bind :${port}`));
    assert.ok(name !== undefined, `no frontend binds ${port}`);
    const lines = section('frontend', name);
    assert.ok(lines.includes(`bind :::${port} v6only`), `${name}: IPv6`);
    const backend = lines.find((line) => line.startsWith('default_backend '))?.split(' ')[1] ?? '';
    assert.ok(lines.includes(`tcp-request content lua.hold ${backend}`), `${name} holds for ${backend}`);
    const inside = String(configOf(agent)[setting]);
    assert.ok(
      section('backend', backend).some((line) => line.endsWith(`"\${EDGE_SLOTS}" ${agent}:${inside}`)),
      `${backend} leads to ${agent}:${inside}`,
    );
    assert.ok(lines.includes(`bind abns@again-${backend} accept-proxy`), `${name} takes lost ones back`);
    assert.ok(
      section('backend', backend).some((line) =>
        line.startsWith(`server again abns@again-${backend} backup `),
      ),
      `${backend} sends lost ones back`,
    );
    assert.ok(hold.includes(`"${backend}"`), `/readyz of the edge asks for ${backend}`);
  }
});

test('the edge asks the ops port of the agents', () => {
  for (const name of ['mx', 'msa', 'mra'] as const) {
    assert.ok(haproxy.includes(`default-server check port ${String(configOf(name)['WAYBILL_OPS_PORT'])} `));
    assert.notEqual(configOf(name)['WAYBILL_PROXY_FROM'], '', `${name} takes the PROXY header`);
    assert.equal(configOf(name)['WAYBILL_UNLIMITED_ADDRESSES'], '', `${name} limits every address`);
  }
});

test('a replica has one address where a client looks for it', () => {
  for (const network of ['doors', 'inner']) assert.ok(!file.networks.get(network)?.['enable_ipv6'], network);
  assert.equal(file.networks.get('edge')?.['enable_ipv6'], true);
  assert.deepEqual(service('edge').networks, ['edge', 'doors']);
  for (const of of file.services.values())
    if (of.networks.includes('doors')) assert.ok(['edge', 'mx', 'msa', 'mra'].includes(of.name), of.name);
});

test('only the edge publishes ports, and nothing sees the engine', () => {
  for (const of of file.services.values()) {
    assert.ok(of.name === 'edge' || of.ports.length === 0, of.name);
    assert.ok(!of.volumes.some(({ source }) => source.includes('docker.sock')), of.name);
    assert.ok(of.raw['privileged'] === undefined && of.raw['pid'] === undefined, of.name);
  }
});

test('every service is without rights, with limits, and its log is rotated', () => {
  for (const of of file.services.values()) {
    assert.equal(of.raw['read_only'], true, `${of.name}: read_only`);
    assert.deepEqual(of.raw['cap_drop'], ['ALL'], `${of.name}: cap_drop`);
    assert.deepEqual(of.raw['security_opt'], ['no-new-privileges:true'], of.name);
    assert.ok(of.raw['mem_limit'] !== undefined && of.raw['pids_limit'] !== undefined, `${of.name}: limits`);
    assert.deepEqual(
      Object.keys((of.raw['logging'] as { options: object }).options).toSorted(),
      ['max-file', 'max-size'],
      of.name,
    );
    if (of.name !== 'secrets') assert.ok(of.raw['user'] !== '0:0', of.name);
    // What a cut-off health check leaves behind must not become a child of the server.
    if (of.raw['restart'] === 'unless-stopped') assert.equal(of.raw['init'], true, `${of.name}: init`);
    const once = ONE_SHOTS.includes(of.name) || of.name === 'waybill';
    assert.equal(of.raw['restart'], once ? 'no' : 'unless-stopped', of.name);
  }
});

test('each one-shot has somebody who waits for its end', () => {
  for (const name of ONE_SHOTS) {
    const waiting = [...file.services.values()].filter(({ dependsOn }) => dependsOn.has(name));
    assert.ok(waiting.length > 0, name);
    for (const { dependsOn } of waiting) assert.equal(dependsOn.get(name), 'service_completed_successfully');
  }
});

test('an agent is given the time that it takes to drain', () => {
  for (const name of NAMES) {
    const config = configOf(name);
    const needs = Number(config['WAYBILL_DRAIN_SECONDS']) + Number(config['WAYBILL_DRAIN_DEADLINE_SECONDS']);
    const grace = /^(\d+)s$/.exec(String(service(name).raw['stop_grace_period']))?.[1];
    assert.ok(Number(grace) > needs, `${name}: ${grace} s for ${needs} s`);
  }
});

test('Postgres has a connection for every pool of the most replicas', () => {
  const slots = Number([...(file.variables.get('EDGE_SLOTS') ?? [])][0]);
  const pools = NAMES.reduce((sum, name) => sum + Number(configOf(name)['WAYBILL_DATABASE_POOL']) * slots, 0);
  const most = service('postgres')
    .command.find((word) => word.startsWith('max_connections='))
    ?.split('=')[1];
  // Beside the pools: migrate, four tools with two each, and three kept for the superuser.
  assert.ok(Number(most) >= pools + 1 + 8 + 3, `${most} for ${pools}`);
});

test('.env.example lists every variable with its default', () => {
  const example = new Map(
    fs
      .readFileSync(path.join(ROOT, '.env.example'), 'utf8')
      .split('\n')
      .filter((line) => /^#?[A-Z0-9_]+=/.test(line))
      .map((line) => [line.slice(0, line.indexOf('=')).replace('#', ''), line.slice(line.indexOf('=') + 1)]),
  );
  for (const [name, defaults] of file.variables) {
    assert.equal(defaults.size, 1, `${name} has more than one default`);
    assert.ok(example.has(name), `.env.example does not list ${name}`);
    assert.equal(example.get(name), [...defaults][0], name);
  }
});

test('the image is of this version', () => {
  const { version } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
  };
  assert.deepEqual([...(file.variables.get('WAYBILL_VERSION') ?? [])], [version]);
  const dockerfile = fs.readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8');
  assert.ok(dockerfile.includes(`ARG WAYBILL_VERSION=${version}\n`));
  for (const name of NAMES) assert.ok(dockerfile.includes(`--filter '@waybill/${name}...'`), name);
});
