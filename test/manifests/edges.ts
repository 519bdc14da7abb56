import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { AGENTS, type Labels, type Manifests, portsOf, type Selector } from './manifests.ts';

/**
 * Who may speak to whom: the NetworkPolicies, multiplied out to edges `from → to:port`, against the list
 * of those that the suite needs. Between two pods both ends must agree; half an edge is a fault of its own.
 */
const WITH_STATE = [...AGENTS, 'migrate', 'operator'] as const;
const WITH_REDIS = ['mda', 'mra', 'msa', 'mta', 'mx'] as const;

/** Every legal edge, from what the overlay holds. */
export function legalEdges(manifests: Manifests): Set<string> {
  const inside = manifests.workloads.some(({ component }) => component === 'postgres');
  const edges = [
    ...['mda', 'mra', 'msa', 'mta', 'mx', 'operator'].map((from) => `${from} → auth:2100`),
    'mta → mda:2424',
    ...AGENTS.map((to) => `operator → ${to}:9090`),
    ...manifests.workloads.map(({ component }) => `${component} → DNS:53`),
    ...WITH_STATE.map((from) => `${from} → ${inside ? 'postgres' : 'outside'}:5432`),
    ...WITH_REDIS.map((from) => `${from} → ${inside ? 'redis' : 'outside'}:6379`),
    ...['25', '465', '587'].map((port) => `mta → the world:${port}`),
    // The doctor.
    ...['25', '53'].map((port) => `operator → the world:${port}`),
    ...['2143', '2993', '2110', '2995'].map((port) => `anybody → mra:${port}`),
    ...['2587', '2465'].map((port) => `anybody → msa:${port}`),
    'anybody → mx:2525',
  ];
  if (manifests.all.some(({ kind }) => kind === 'ServiceMonitor'))
    edges.push(...AGENTS.map((to) => `prometheus → ${to}:9090`));
  return new Set(edges);
}

export function edgeFaults(manifests: Manifests): string[] {
  const { edges, halves } = edgesOf(manifests);
  const legal = legalEdges(manifests);
  const deny = manifests
    .of<INetworkPolicy>('NetworkPolicy')
    .some(
      ({ spec }) =>
        isEmpty(spec?.podSelector) && spec?.policyTypes?.length === 2 && !spec.ingress && !spec.egress,
    );
  return [
    ...(deny ? [] : ['no NetworkPolicy denies what no other allows']),
    ...[...edges]
      .filter((edge) => !legal.has(edge))
      .map((edge) => `the network lets ${edge} pass, which nobody needs`),
    ...[...legal].filter((edge) => !edges.has(edge)).map((edge) => `the network stops ${edge}`),
    ...halves.map((edge) => `only one end of ${edge} is open`),
    ...closedPorts(edges, manifests),
  ];
}

/** An edge must lead to a port on which the pod listens. */
function closedPorts(edges: ReadonlySet<string>, manifests: Manifests): string[] {
  return [...edges].flatMap((edge) => {
    const [, to = '', port = ''] = /→ (.+):(\d+)$/.exec(edge) ?? [];
    const pods = manifests.workloads.filter(({ component }) => component === to);
    return pods.some((one) => ![...portsOf(one).values()].includes(Number(port)))
      ? [`the edge ${edge} leads to a port on which ${to} does not listen`]
      : [];
  });
}

interface Rule {
  readonly peers: readonly Peer[] | undefined;
  readonly ports: readonly { readonly port?: string | number }[] | undefined;
}
interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}

export function edgesOf(manifests: Manifests): { edges: Set<string>; halves: string[] } {
  const out = new Set<string>();
  const into = new Set<string>();
  for (const { spec } of manifests.of<INetworkPolicy>('NetworkPolicy')) {
    const pods = manifests.selected(spec?.podSelector as Selector).map(({ component }) => component);
    const rules = (list: readonly object[] | undefined, key: 'from' | 'to'): Rule[] =>
      (list ?? []).map((rule) => ({
        peers: (rule as Record<string, Rule['peers']>)[key],
        ports: (rule as Rule).ports,
      }));
    for (const rule of rules(spec?.egress, 'to'))
      for (const to of ends(rule, manifests))
        for (const from of pods) for (const port of portsIn(rule)) out.add(`${from} → ${to}:${port}`);
    for (const rule of rules(spec?.ingress, 'from'))
      for (const from of ends(rule, manifests))
        for (const to of pods) for (const port of portsIn(rule)) into.add(`${from} → ${to}:${port}`);
  }
  const ours = new Set(manifests.workloads.map(({ component }) => component));
  const between = (edge: string): boolean => {
    const [, from = '', to = ''] = /^(.+) → (.+):/.exec(edge) ?? [];
    return ours.has(from) && ours.has(to);
  };
  const edges = new Set(
    [...out, ...into].filter((edge) => !between(edge) || (out.has(edge) && into.has(edge))),
  );
  const halves = [...new Set([...out, ...into])].filter((edge) => between(edge) && !edges.has(edge));
  return { edges, halves };
}

function portsIn({ ports }: Rule): (string | number)[] {
  return ports === undefined ? ['any'] : [...new Set(ports.map(({ port = 'any' }) => port))];
}

function ends({ peers }: Rule, manifests: Manifests): string[] {
  if (peers === undefined) return ['anybody'];
  return [...new Set(peers.flatMap((peer) => endOf(peer, manifests)))];
}

const DNS: Labels = { 'k8s-app': 'kube-dns' };
const PROMETHEUS: Labels = { 'app.kubernetes.io/name': 'prometheus' };
/** What a stranger's MX record must not lead us to: private and local networks. */
const PRIVATE = [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
];
const PRIVATE_6 = ['fc00::/7', 'fe80::/10'];

function endOf(peer: Peer, manifests: Manifests): string[] {
  const { ipBlock, namespaceSelector, podSelector } = peer;
  if (ipBlock !== undefined) {
    const { cidr, except = [] } = ipBlock;
    if (cidr === '0.0.0.0/0')
      return [PRIVATE.every((range) => except.includes(range)) ? 'the world' : 'everything'];
    if (cidr === '::/0')
      return [PRIVATE_6.every((range) => except.includes(range)) ? 'the world' : 'everything'];
    return ['outside'];
  }
  if (namespaceSelector === undefined)
    return manifests.selected(podSelector).map(({ component }) => component);
  const space = namespaceSelector.matchLabels?.['kubernetes.io/metadata.name'] ?? 'any namespace';
  if (space === 'kube-system' && same(podSelector?.matchLabels, DNS)) return ['DNS'];
  if (space === 'monitoring' && same(podSelector?.matchLabels, PROMETHEUS)) return ['prometheus'];
  return [`${space}/${JSON.stringify(podSelector)}`];
}

function same(one: Labels | undefined, other: Labels): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function isEmpty(selector: object | undefined): boolean {
  return selector !== undefined && Object.keys(selector).length === 0;
}
