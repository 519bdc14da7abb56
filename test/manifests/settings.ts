import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { IConfigMap, IService } from 'kubernetes-models/v1';
import { agentSchema, ConfigError, loadConfig } from '@waybill/daemon';
import { AGENT_ROLES } from '@waybill/postgres';
import { AuthClientSchema } from '@waybill/auth-client';
import { AuthSettings } from '../../services/auth/src/config.ts';
import { MdaSettings } from '../../services/mda/src/config.ts';
import { MraSettings } from '../../services/mra/src/config.ts';
import { MsaSettings } from '../../services/msa/src/config.ts';
import { MtaSettings } from '../../services/mta/src/config.ts';
import { MxSettings } from '../../services/mx/src/config.ts';
import { type AgentName, AGENTS, container, type Manifests, portsOf, type Workload } from './manifests.ts';
import { mountedFiles } from './references.ts';

/**
 * The drift test: the variables of each pod are read by the agent's own configuration as the agent would read
 * them, and what comes out is held against the ports, mounts, Services and grace periods of the manifests.
 */
const SETTINGS: Readonly<Record<AgentName, Parameters<typeof agentSchema>[0]>> = {
  auth: AuthSettings,
  mda: MdaSettings,
  mra: MraSettings,
  msa: MsaSettings,
  mta: MtaSettings,
  mx: MxSettings,
};

type Config = Readonly<Record<string, unknown>>;

export function settingsFaults(manifests: Manifests, outside: ReadonlySet<string>): string[] {
  return [
    ...AGENTS.flatMap((name) => {
      const one = manifests.agent(name);
      return one === undefined ? [] : agentFaults(name, one, manifests, outside);
    }),
    ...migrateFaults(manifests, outside),
    ...operatorFaults(manifests, outside),
  ];
}

function agentFaults(
  name: AgentName,
  one: Workload,
  manifests: Manifests,
  outside: ReadonlySet<string>,
): string[] {
  const env = environment(one, manifests);
  const args = container(one).args ?? [];
  const faults = args.join(' ') === name ? [] : [`${name}: the image is told to run "${args.join(' ')}"`];
  faults.push(...fileFaults(name, one, env, manifests, outside));
  const config = configOf(name, env);
  if ('faults' in config) return [...faults, ...config.faults];
  return [
    ...faults,
    ...portDrift(name, config.values, one),
    ...targetDrift(name, config.values, manifests),
    ...graceFaults(name, config.values, one),
  ];
}

/** The configuration as the agent would have it. */
export function configOf(
  name: AgentName,
  env: ReadonlyMap<string, string>,
): { values: Config } | { faults: string[] } {
  const secret = path.join(os.tmpdir(), `manifests-secret-${process.pid}`);
  fs.writeFileSync(secret, 'postgres://waybill:secret@postgres/waybill');
  const schema = agentSchema(SETTINGS[name]);
  // A secret's file is mounted in the pod, not here; that it is mounted is looked at apart.
  const here = [...env].map(([key, value]) =>
    key.endsWith('_FILE') && !(key in schema.properties) ? ([key, secret] as const) : ([key, value] as const),
  );
  try {
    return { values: loadConfig(schema, Object.fromEntries(here)) as Config };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { faults: error.faults.map((fault) => `${name}: ${fault}`) };
  } finally {
    fs.rmSync(secret);
  }
}

export function environment(one: Workload, manifests: Manifests): Map<string, string> {
  const { env = [], envFrom = [] } = container(one);
  const variables = new Map<string, string>();
  for (const { configMapRef } of envFrom)
    for (const [key, value] of Object.entries(
      manifests.named<IConfigMap>('ConfigMap', configMapRef?.name ?? '')?.data ?? {},
    ))
      variables.set(key, value as string);
  for (const { name, value, valueFrom } of env)
    variables.set(name, value ?? valueFrom?.fieldRef?.fieldPath ?? '');
  return variables;
}

/** Every variable that names a file names one that is mounted. */
function fileFaults(
  name: string,
  one: Workload,
  env: ReadonlyMap<string, string>,
  manifests: Manifests,
  outside: ReadonlySet<string>,
): string[] {
  const mounts = mountedFiles(one, manifests, outside);
  return [...env].flatMap(([key, file]) => {
    if (!key.endsWith('_FILE')) return [];
    const files = mounts.get(path.dirname(file));
    return files === 'any' || files?.has(path.basename(file)) === true
      ? []
      : [`${name}: ${key} names ${file}, which is not mounted`];
  });
}

/** The ports that the agent opens are those that the container declares: all settings named …_PORT. */
function portDrift(name: AgentName, config: Config, one: Workload): string[] {
  const opened = Object.entries(config).filter(([key, port]) => key.endsWith('_PORT') && port !== 0);
  const declared = new Set(portsOf(one).values());
  return [
    ...opened
      .filter(([, port]) => !declared.has(port as number))
      .map(([key, port]) => `${name}: ${key} is ${String(port)}, which the container does not declare`),
    ...[...declared]
      .filter((port) => !opened.some(([, other]) => other === port))
      .map((port) => `${name}: nothing listens on its port ${port}`),
    ...(portsOf(one).get('ops') === config['WAYBILL_OPS_PORT']
      ? []
      : [`${name}: its port "ops" is not WAYBILL_OPS_PORT`]),
  ];
}

/** `auth:2100` and `mda:2424` must be headless Services, for clients share themselves out over the addresses. */
function targetDrift(name: AgentName, config: Config, manifests: Manifests): string[] {
  return ['WAYBILL_AUTH', 'WAYBILL_MDA'].flatMap((key) => {
    const value = config[key];
    if (typeof value !== 'string') return [];
    const [host = '', port] = value.split(':');
    const service = manifests.named<IService>('Service', host);
    if (service === undefined) return [`${name}: ${key} names ${host}, and there is no such Service`];
    if (service.spec?.clusterIP !== 'None' || service.spec.publishNotReadyAddresses === true)
      return [
        `${name}: ${key} names ${host}, whose Service does not answer with the addresses of its ready replicas`,
      ];
    const [pods] = manifests.selected({ matchLabels: service.spec.selector as Record<string, string> });
    const listens = pods !== undefined && [...portsOf(pods).values()].includes(Number(port));
    return listens ? [] : [`${name}: ${key} is ${value}, and ${host} does not listen there`];
  });
}

/** The grace period covers what happens in it, and 2 s for the end of the process. */
function graceFaults(name: AgentName, config: Config, one: Workload): string[] {
  const before = container(one).lifecycle?.preStop?.sleep?.seconds ?? 0;
  const drain = Number(config['WAYBILL_DRAIN_SECONDS']) + Number(config['WAYBILL_DRAIN_DEADLINE_SECONDS']);
  const grace = one.template.spec?.terminationGracePeriodSeconds ?? 30;
  return [
    ...(before < 3 ? [`${name}: it hears SIGTERM before the endpoints forget it`] : []),
    ...(grace >= before + drain + 2
      ? []
      : [`${name}: it may take ${before} + ${drain} s to end, and is killed after ${grace} s`]),
  ];
}

function migrateFaults(manifests: Manifests, outside: ReadonlySet<string>): string[] {
  const one = manifests.workloads.find(({ component }) => component === 'migrate');
  if (one === undefined) return ['there is no Job that migrates'];
  const env = environment(one, manifests);
  const wanted = [
    'WAYBILL_ADMIN_DATABASE_URL_FILE',
    ...AGENT_ROLES.map((role) => `WAYBILL_ROLE_PASSWORD_${role.toUpperCase()}_FILE`),
  ];
  return [
    ...fileFaults('migrate', one, env, manifests, outside),
    ...wanted.filter((key) => !env.has(key)).map((key) => `migrate: ${key} is missing`),
    ...[...env.keys()]
      .filter((key) => !wanted.includes(key))
      .map((key) => `migrate: ${key} is not a setting of it`),
  ];
}

function operatorFaults(manifests: Manifests, outside: ReadonlySet<string>): string[] {
  const one = manifests.workloads.find(({ component }) => component === 'operator');
  if (one === undefined) return ['there is no pod for the tool'];
  const env = environment(one, manifests);
  const known = [
    ...Object.keys(AuthClientSchema.properties),
    'WAYBILL_DATABASE_URL_FILE',
    'WAYBILL_HOSTNAME',
    'WAYBILL_OPS',
  ];
  const required = [
    'WAYBILL_AUTH_CA_FILE',
    'WAYBILL_AGENT_CERT_FILE',
    'WAYBILL_AGENT_KEY_FILE',
    'WAYBILL_DATABASE_URL_FILE',
  ];
  return [
    ...fileFaults('operator', one, env, manifests, outside),
    ...required.filter((key) => !env.has(key)).map((key) => `operator: ${key} is missing`),
    ...[...env.keys()]
      .filter((key) => !known.includes(key))
      .map((key) => `operator: ${key} is not a setting of the tool`),
  ];
}
