import { Certificate, Issuer } from '@kubernetes-models/cert-manager/cert-manager.io/v1';
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1';
import {
  PrometheusRule,
  ServiceMonitor,
} from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { Deployment, StatefulSet } from 'kubernetes-models/apps/v1';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import { Job } from 'kubernetes-models/batch/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { ConfigMap, Namespace, Secret, Service, ServiceAccount } from 'kubernetes-models/v1';
import type { Manifest } from './manifests.ts';

/** What the API server would say to an object: wrong types, missing fields, and fields that no schema knows. */
const MODELS = new Map<string, { readonly prototype: { validate(): void } }>([
  ['apps/v1 Deployment', Deployment],
  ['apps/v1 StatefulSet', StatefulSet],
  ['autoscaling/v2 HorizontalPodAutoscaler', HorizontalPodAutoscaler],
  ['batch/v1 Job', Job],
  ['cert-manager.io/v1 Certificate', Certificate],
  ['cert-manager.io/v1 Issuer', Issuer],
  ['keda.sh/v1alpha1 ScaledObject', ScaledObject],
  ['monitoring.coreos.com/v1 PrometheusRule', PrometheusRule],
  ['monitoring.coreos.com/v1 ServiceMonitor', ServiceMonitor],
  ['networking.k8s.io/v1 NetworkPolicy', NetworkPolicy],
  ['policy/v1 PodDisruptionBudget', PodDisruptionBudget],
  ['v1 ConfigMap', ConfigMap],
  ['v1 Namespace', Namespace],
  ['v1 Secret', Secret],
  ['v1 Service', Service],
  ['v1 ServiceAccount', ServiceAccount],
]);

export function schemaFaults(object: Manifest): string[] {
  const model = MODELS.get(`${object.apiVersion} ${object.kind}`);
  const name = `${object.kind} ${object.metadata.name}`;
  if (model === undefined) return [`${name}: no schema is known for ${object.apiVersion} ${object.kind}`];
  const reading = new Reading();
  const faults: string[] = [];
  try {
    model.prototype.validate.call(reading.of(object, ''));
  } catch (error) {
    faults.push(`${name}: ${(error as Error).message}`);
  }
  return [...faults, ...reading.unread().map((path) => `${name}: ${path} is not a field of the schema`)];
}

/**
 * The validators look at every property that their schema names, and pass over the rest. So whoever
 * notes what they look at, knows the rest: the fields that the schema does not have. An object of
 * which nothing is looked at, or all keys are, may have any.
 */
class Reading {
  readonly #objects: { path: string; object: object; read: Set<string>; open: boolean }[] = [];

  of<T extends object>(object: T, path: string): T {
    const list = Array.isArray(object);
    const entry = { path, object, read: new Set<string>(), open: list };
    this.#objects.push(entry);
    const children = new Map<string, object>();
    return new Proxy(object, {
      get: (target, key): unknown => {
        const value: unknown = Reflect.get(target, key);
        if (typeof key !== 'string') return value;
        entry.read.add(key);
        if (typeof value !== 'object' || value === null) return value;
        const child = children.get(key) ?? this.of(value, list ? `${path}[${key}]` : `${path}.${key}`);
        children.set(key, child);
        return child;
      },
      ownKeys: (target) => {
        entry.open = true;
        return Reflect.ownKeys(target);
      },
    });
  }

  unread(): string[] {
    return this.#objects
      .filter(({ read, open }) => !open && read.size > 0)
      .flatMap(({ path, object, read }) =>
        Object.keys(object)
          .filter((key) => !read.has(key))
          .map((key) => `${path}.${key}`),
      );
  }
}
