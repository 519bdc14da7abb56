import fs from 'node:fs';
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import type { Manifests } from './manifests.ts';

/** Autoscalers and rules use metrics that docs/metrics.md has, which another test holds against the code. */
const documented = new Set(
  fs.readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8').match(/\bwaybill_[a-z0-9_]+/g),
);

interface Scaled {
  readonly spec: { readonly triggers: readonly { readonly metadata: Readonly<Record<string, string>> }[] };
}

export function metricFaults(manifests: Manifests): string[] {
  const texts: [where: string, text: string][] = [];
  for (const { metadata, spec } of manifests.of<IHorizontalPodAutoscaler>('HorizontalPodAutoscaler'))
    for (const metric of spec?.metrics ?? [])
      if (metric.pods !== undefined)
        texts.push([`HorizontalPodAutoscaler ${metadata.name}`, metric.pods.metric.name]);
  for (const { metadata, spec } of manifests.of<Scaled>('ScaledObject'))
    for (const trigger of spec.triggers)
      texts.push([`ScaledObject ${metadata.name}`, trigger.metadata['query'] ?? '']);
  for (const { metadata, spec } of manifests.of<{ spec: object }>('PrometheusRule'))
    texts.push([`PrometheusRule ${metadata.name}`, JSON.stringify(spec)]);
  return texts.flatMap(([where, text]) =>
    [...new Set(text.match(/\bwaybill_[a-z0-9_]+/g))]
      .filter((name) => !documented.has(name) && !documented.has(name.replace(/_(bucket|sum|count)$/, '')))
      // Recording rules join labels and name with colons; what stands between them is shortened.
      .filter((name) => !new RegExp(`:${name}|${name}:`).test(text))
      .map((name) => `${where}: nobody exports ${name}`),
  );
}
