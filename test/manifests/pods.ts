import fs from 'node:fs';
import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1';
import {
  type AgentName,
  AGENTS,
  container,
  type Manifests,
  matches,
  type Selector,
  type Workload,
} from './manifests.ts';

/** What every pod owes: no rights, no state, an end that lets work end, a replacement, and the version's image. */
export const VERSION = (
  JSON.parse(fs.readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

/** Who listens, and so is scaled by what it is asked; mta is scaled by what waits. */
const LISTENERS: readonly AgentName[] = ['auth', 'mda', 'mra', 'msa', 'mx'];

export function podFaults(manifests: Manifests): string[] {
  return [
    ...AGENTS.filter((name) => manifests.agent(name) === undefined).map(
      (name) => `there is no Deployment of ${name}`,
    ),
    ...manifests.workloads.flatMap((one) => [...rightsFaults(one), ...imageFaults(one)]),
    ...AGENTS.flatMap((name) => {
      const one = manifests.agent(name);
      return one === undefined
        ? []
        : [
            ...stateFaults(one),
            ...probeFaults(one),
            ...budgetFaults(one, manifests),
            ...rolloutFaults(name, manifests),
          ];
    }),
    ...LISTENERS.flatMap((name) => scalerFaults(name, manifests)),
    ...versionFaults(manifests),
  ];
}

/** The restricted Pod Security Standard, and a read-only root. */
function rightsFaults(one: Workload): string[] {
  const where = `${one.kind} ${one.name}`;
  const pod = one.template.spec;
  const { securityContext: own, resources } = container(one);
  const wanted: readonly (readonly [what: string, is: boolean])[] = [
    [
      'runs as nobody in particular',
      pod?.securityContext?.runAsNonRoot === true && (pod.securityContext.runAsUser ?? 0) > 0,
    ],
    ['the default seccomp profile', pod?.securityContext?.seccompProfile?.type === 'RuntimeDefault'],
    ['no token of the API', pod?.automountServiceAccountToken === false],
    ['no Services as variables', pod?.enableServiceLinks === false],
    ['no more rights than it began with', own?.allowPrivilegeEscalation === false],
    ['a read-only root', own?.readOnlyRootFilesystem === true],
    [
      'no capability',
      own?.capabilities?.drop?.includes('ALL') === true && own.capabilities.add === undefined,
    ],
    [
      'a memory limit and requests',
      resources?.limits?.['memory'] !== undefined && resources.requests?.['cpu'] !== undefined,
    ],
  ];
  return wanted.flatMap(([what, is]) => (is ? [] : [`${where}: it lacks ${what}`]));
}

function imageFaults(one: Workload): string[] {
  const { image = '' } = container(one);
  if (one.kind === 'StatefulSet') return image.includes(':') ? [] : [`${one.name}: ${image} has no tag`];
  return image.endsWith(`waybill:${VERSION}`)
    ? []
    : [`${one.kind} ${one.name}: its image is ${image}, not waybill:${VERSION}`];
}

/** No agent keeps anything: what it mounts is given to it, or gone with the pod. */
function stateFaults(one: Workload): string[] {
  return (one.template.spec?.volumes ?? [])
    .filter((volume) => !('emptyDir' in volume) && !('secret' in volume) && !('projected' in volume))
    .map(({ name }) => `Deployment ${one.name}: the volume ${name} may hold state`);
}

function probeFaults(one: Workload): string[] {
  const { startupProbe, livenessProbe, readinessProbe } = container(one);
  const asked = [startupProbe, livenessProbe, readinessProbe].map(
    (probe) => `${probe?.httpGet?.path}@${probe?.httpGet?.port}`,
  );
  return asked.join(' ') === '/livez@ops /livez@ops /readyz@ops'
    ? []
    : [`Deployment ${one.name}: its probes ask ${asked.join(' ')}`];
}

function budgetFaults(one: Workload, manifests: Manifests): string[] {
  const budgets = manifests
    .of<IPodDisruptionBudget>('PodDisruptionBudget')
    .filter(({ spec }) => matches(spec?.selector as Selector, one.labels));
  const faults =
    budgets.length === 1 ? [] : [`Deployment ${one.name}: it has ${budgets.length} PodDisruptionBudgets`];
  const spread = (one.template.spec?.topologySpreadConstraints ?? []).map(({ topologyKey }) => topologyKey);
  for (const key of ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'])
    if (!spread.includes(key)) faults.push(`Deployment ${one.name}: it is not spread over ${key}`);
  return faults;
}

function rolloutFaults(name: AgentName, manifests: Manifests): string[] {
  const { spec } = manifests.named<IDeployment>('Deployment', name) ?? {};
  const faults: string[] = [];
  if (spec?.strategy?.rollingUpdate?.maxUnavailable !== 0)
    faults.push(`Deployment ${name}: a rollout takes a replica away before another is ready`);
  if (spec?.replicas !== undefined)
    faults.push(`Deployment ${name}: applying it would reset the count of its replicas`);
  return faults;
}

function scalerFaults(name: AgentName, manifests: Manifests): string[] {
  const { spec } = manifests.named<IHorizontalPodAutoscaler>('HorizontalPodAutoscaler', name) ?? {};
  if (spec === undefined) return [`${name} has no HorizontalPodAutoscaler`];
  const faults: string[] = [];
  if ((spec.minReplicas ?? 1) < 1 || spec.maxReplicas < (spec.minReplicas ?? 1))
    faults.push(`HorizontalPodAutoscaler ${name}: from ${spec.minReplicas} to ${spec.maxReplicas}`);
  const least = name === 'mra' ? 900 : 300; // readers stay for hours
  if ((spec.behavior?.scaleDown?.stabilizationWindowSeconds ?? 300) < least)
    faults.push(`HorizontalPodAutoscaler ${name}: it takes replicas away sooner than after ${least} s`);
  return faults;
}

/** A Job cannot be changed: each version brings its own. */
function versionFaults(manifests: Manifests): string[] {
  const name = `migrate-${VERSION.replaceAll('.', '-')}`;
  return [
    ...(manifests.named('Job', name) === undefined ? [`there is no Job ${name}`] : []),
    ...manifests.workloads
      .filter(({ kind, labels }) => kind !== 'StatefulSet' && labels['app.kubernetes.io/version'] !== VERSION)
      .map((one) => `${one.kind} ${one.name}: its pods are not labelled with version ${VERSION}`),
  ];
}
