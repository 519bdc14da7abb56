import type { IDeployment, IStatefulSet } from 'kubernetes-models/apps/v1';
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import { type AgentName, AGENTS, container, type Manifests } from './manifests.ts';
import { configOf, environment } from './settings.ts';

/**
 * Connections to Postgres by construction: the pool of each process, times as many processes as may be alive
 * at once. During a rollout those are the most replicas, one that is made on top, and those that still drain.
 */

/** What a Postgres outside must allow; k8s/README.md says so. */
export const OUTSIDE_MAX_CONNECTIONS = 400;
/** superuser_reserved_connections, the migration, the tools, and a monitor. */
const RESERVED = 3 + 3 + 4 + 5;

export interface Demand {
  readonly agent: AgentName;
  readonly pool: number;
  readonly processes: number;
}

export function demands(manifests: Manifests): Demand[] {
  return AGENTS.flatMap((agent) => {
    const one = manifests.agent(agent);
    const { spec } = manifests.named<IDeployment>('Deployment', agent) ?? {};
    if (one === undefined || spec === undefined) return [];
    const config = configOf(agent, environment(one, manifests));
    if ('faults' in config) return [];
    const most = mostReplicas(agent, manifests);
    const grace = one.template.spec?.terminationGracePeriodSeconds ?? 30;
    const pace = spec.minReadySeconds ?? 0;
    const draining = pace === 0 ? most : Math.min(most, Math.ceil(grace / pace));
    const surge = Number(spec.strategy?.rollingUpdate?.maxSurge ?? most);
    return {
      agent,
      pool: Number(config.values['WAYBILL_DATABASE_POOL']),
      processes: most + surge + draining,
    };
  });
}

export function connectionsNeeded(manifests: Manifests): number {
  return demands(manifests).reduce((sum, { pool, processes }) => sum + pool * processes, RESERVED);
}

export function connectionFaults(manifests: Manifests): string[] {
  const needed = connectionsNeeded(manifests);
  const allowed = maxConnections(manifests);
  return [
    ...(needed <= allowed
      ? []
      : [`all pools together may want ${needed} connections, and Postgres allows ${allowed}`]),
    ...AGENTS.filter((agent) => {
      const one = manifests.agent(agent);
      // Without Redis kicks and wake-ups take connections of their own, which the sum does not have.
      return (
        one !== undefined && agent !== 'auth' && !environment(one, manifests).has('WAYBILL_REDIS_URL_FILE')
      );
    }).map((agent) => `${agent}: without Redis it takes more connections than its pool has`),
  ];
}

/** mta without an autoscaler is scaled by hand: as many as the largest of the others count. */
function mostReplicas(agent: AgentName, manifests: Manifests): number {
  const scaled = manifests
    .of<{ spec: { scaleTargetRef: { name: string }; maxReplicaCount?: number } }>('ScaledObject')
    .find(({ spec }) => spec.scaleTargetRef.name === agent);
  if (scaled !== undefined) return scaled.spec.maxReplicaCount ?? 100;
  const scalers = manifests.of<IHorizontalPodAutoscaler>('HorizontalPodAutoscaler').map(({ spec }) => spec!);
  return (
    scalers.find(({ scaleTargetRef }) => scaleTargetRef.name === agent)?.maxReplicas ??
    Math.max(...scalers.map(({ maxReplicas }) => maxReplicas))
  );
}

function maxConnections(manifests: Manifests): number {
  if (manifests.named<IStatefulSet>('StatefulSet', 'postgres') === undefined) return OUTSIDE_MAX_CONNECTIONS;
  const postgres = manifests.workloads.find(({ component }) => component === 'postgres');
  const setting = postgres && container(postgres).args?.find((arg) => arg.startsWith('max_connections='));
  return Number(setting?.split('=')[1] ?? 100);
}
