import { balancerFaults } from './balancers.ts';
import { connectionFaults } from './connections.ts';
import { edgeFaults } from './edges.ts';
import type { Manifests } from './manifests.ts';
import { metricFaults } from './metric-names.ts';
import { podFaults } from './pods.ts';
import { referenceFaults } from './references.ts';
import { schemaFaults } from './schema.ts';
import { settingsFaults } from './settings.ts';

/** What each overlay counts on that is made outside of it; k8s/README.md says how. */
export const OUTSIDE: Readonly<Record<string, ReadonlySet<string>>> = {
  try: new Set(),
  production: new Set([
    'ClusterIssuer letsencrypt',
    ...['auth', 'mda', 'migrate', 'mra', 'msa', 'mta', 'mx', 'operator'].map(
      (name) => `Secret waybill-${name}`,
    ),
  ]),
};

/** All that is wrong with the objects of an overlay, a line for each. */
export function faultsOf(manifests: Manifests, outside: ReadonlySet<string>): string[] {
  return [
    ...manifests.all.flatMap(schemaFaults),
    ...referenceFaults(manifests, outside),
    ...podFaults(manifests),
    ...edgeFaults(manifests),
    ...settingsFaults(manifests, outside),
    ...connectionFaults(manifests),
    ...balancerFaults(manifests),
    ...metricFaults(manifests),
  ];
}
