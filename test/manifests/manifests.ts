import type { IDeployment, IStatefulSet } from 'kubernetes-models/apps/v1';
import type { IJob } from 'kubernetes-models/batch/v1';
import type { IContainer, IPodTemplateSpec } from 'kubernetes-models/v1';

/** The objects of one rendered overlay, and the questions that the checks ask of them. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Labels;
    readonly annotations?: Labels;
  };
}

export type Labels = Readonly<Record<string, string>>;

/** What runs pods: a Deployment, a StatefulSet or a Job. */
export interface Workload {
  readonly kind: string;
  /** Its component label: `mx`, `postgres`, `migrate`. */
  readonly component: string;
  readonly name: string;
  readonly template: IPodTemplateSpec;
  readonly labels: Labels;
  readonly selector: Labels | undefined;
}

export const AGENTS = ['auth', 'mda', 'mra', 'msa', 'mta', 'mx'] as const;
export type AgentName = (typeof AGENTS)[number];

export class Manifests {
  readonly all: readonly Manifest[];
  readonly workloads: readonly Workload[];

  constructor(all: readonly Manifest[]) {
    this.all = all;
    this.workloads = all
      .filter((one) => ['Deployment', 'StatefulSet', 'Job'].includes(one.kind))
      .map(workload);
  }

  of<T>(kind: string): (Manifest & T)[] {
    return this.all.filter((one) => one.kind === kind) as (Manifest & T)[];
  }

  named<T>(kind: string, name: string): (Manifest & T) | undefined {
    return this.of<T>(kind).find((one) => one.metadata.name === name);
  }

  /** The workloads whose pods carry these labels. */
  selected(selector: Selector | undefined): Workload[] {
    return this.workloads.filter(({ labels }) => matches(selector, labels));
  }

  agent(name: AgentName): Workload | undefined {
    return this.workloads.find((one) => one.kind === 'Deployment' && one.component === name);
  }
}

export interface Selector {
  readonly matchLabels?: Labels | undefined;
  readonly matchExpressions?:
    | readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] }[]
    | undefined;
}

/** Whether a pod with these labels is meant. The empty selector means every pod. */
export function matches(selector: Selector | undefined, labels: Labels): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(
      ({ key, operator, values = [] }) => operator === 'In' && values.includes(labels[key] ?? ''),
    )
  );
}

/** The container that does the work: each pod here has one. */
export function container(one: Workload): IContainer {
  const [first] = one.template.spec?.containers ?? [];
  if (first === undefined) throw new Error(`${one.name} has no container`);
  return first;
}

/** Its ports by name. */
export function portsOf(one: Workload): Map<string, number> {
  return new Map((container(one).ports ?? []).map((port) => [port.name ?? '', port.containerPort]));
}

function workload(object: Manifest): Workload {
  const { spec } = object as unknown as IDeployment | IStatefulSet | IJob;
  const template = spec?.template as IPodTemplateSpec;
  const labels = (template.metadata?.labels ?? {}) as Labels;
  return {
    kind: object.kind,
    component: labels['app.kubernetes.io/component'] ?? '',
    name: object.metadata.name,
    template,
    labels,
    selector: spec?.selector?.matchLabels as Labels | undefined,
  };
}
