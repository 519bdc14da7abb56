import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1';
import type { IPodSpec, ISecret, IService } from 'kubernetes-models/v1';
import { container, type Manifests, matches, portsOf, type Selector, type Workload } from './manifests.ts';

/**
 * Every name that one object uses for another must lead somewhere: selectors to pods, mounted keys to Secrets,
 * ports to containers. Kubernetes checks none of it; things just do not start, or do not meet.
 */
export function referenceFaults(manifests: Manifests, outside: ReadonlySet<string>): string[] {
  return [
    ...twice(manifests),
    ...manifests.workloads.flatMap((one) => [
      ...selectorFaults(one),
      ...portFaults(one),
      ...mountFaults(one, manifests, outside),
      ...mapFaults(one, manifests),
      ...accountFaults(one, manifests),
    ]),
    ...serviceFaults(manifests),
    ...budgetFaults(manifests),
    ...targetFaults(manifests),
    ...issuerFaults(manifests, outside),
    ...monitorFaults(manifests),
  ];
}

function twice({ all }: Manifests): string[] {
  const names = all.map((one) => `${one.kind} ${one.metadata.name}`);
  const spaces = new Set(
    all.flatMap((one) => (one.kind === 'Namespace' ? [] : [one.metadata.namespace ?? 'none'])),
  );
  return [
    ...names.filter((name, index) => names.indexOf(name) !== index).map((name) => `${name} is there twice`),
    ...(spaces.size === 1 && !spaces.has('none')
      ? []
      : [`objects are in several namespaces: ${[...spaces].join(', ')}`]),
  ];
}

function selectorFaults(one: Workload): string[] {
  const faults: string[] = [];
  if (
    one.kind !== 'Job' &&
    (one.selector === undefined || !matches({ matchLabels: one.selector }, one.labels))
  )
    faults.push(`${one.kind} ${one.name}: its selector does not match its own pods`);
  for (const { labelSelector, topologyKey } of one.template.spec?.topologySpreadConstraints ?? [])
    if (!matches(labelSelector as Selector, one.labels))
      faults.push(`${one.kind} ${one.name}: the spread over ${topologyKey} does not match its own pods`);
  return faults;
}

/** IANA service names: RFC 6335 §5.1, which Kubernetes requires of port names. */
const PORT_NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;

function portFaults(one: Workload): string[] {
  const ports = container(one).ports ?? [];
  const where = `${one.kind} ${one.name}`;
  const faults: string[] = [];
  for (const { name = '', containerPort } of ports) {
    if (name.length > 15 || !PORT_NAME.test(name) || !/[a-z]/.test(name))
      faults.push(`${where}: the port name "${name}" is none (at most 15 of a-z, 0-9 and -)`);
    if (containerPort < 1024 || containerPort > 65_535)
      faults.push(`${where}: no process without rights can listen on port ${containerPort}`);
  }
  if (new Set(ports.map((port) => port.name)).size < ports.length)
    faults.push(`${where}: two ports have one name`);
  const { startupProbe, livenessProbe, readinessProbe } = container(one);
  for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
    const port = probe?.httpGet?.port ?? probe?.tcpSocket?.port;
    if (port !== undefined && !resolves(one, port))
      faults.push(`${where}: a probe asks port ${port}, which is not there`);
  }
  return faults;
}

function resolves(one: Workload, port: string | number): boolean {
  const ports = portsOf(one);
  return typeof port === 'string' ? ports.has(port) : [...ports.values()].includes(port);
}

/** The keys of a Secret, or why they are not known. */
function keysOf(
  secret: string,
  manifests: Manifests,
  outside: ReadonlySet<string>,
): ReadonlySet<string> | 'any' | undefined {
  const made = manifests.named<ISecret>('Secret', secret);
  if (made !== undefined) return new Set(Object.keys({ ...made.data, ...made.stringData }));
  const issued = manifests
    .of<{ spec: { secretName: string } }>('Certificate')
    .some((one) => one.spec.secretName === secret);
  if (issued) return new Set(['ca.crt', 'tls.crt', 'tls.key']);
  return outside.has(`Secret ${secret}`) ? 'any' : undefined;
}

/** The files of each mount, by path; a Secret that is made elsewhere counts as having every file. */
export function mountedFiles(
  one: Workload,
  manifests: Manifests,
  outside: ReadonlySet<string>,
): Map<string, ReadonlySet<string> | 'any'> {
  const spec = one.template.spec as IPodSpec;
  const byName = new Map((spec.volumes ?? []).map((volume) => [volume.name, volume]));
  const files = new Map<string, ReadonlySet<string> | 'any'>();
  for (const { name, mountPath } of container(one).volumeMounts ?? []) {
    const volume = byName.get(name);
    const sources = [
      ...(volume?.secret === undefined
        ? []
        : [{ name: volume.secret.secretName ?? '', items: volume.secret.items }]),
      ...(volume?.projected?.sources ?? []).flatMap(({ secret }) =>
        secret === undefined ? [] : [{ name: secret.name ?? '', items: secret.items }],
      ),
    ];
    const found = new Set<string>();
    let any = false;
    for (const source of sources) {
      if (source.items !== undefined) for (const item of source.items) found.add(item.path);
      else {
        const keys = keysOf(source.name, manifests, outside);
        if (keys === 'any') any = true;
        else for (const key of keys ?? []) found.add(key);
      }
    }
    files.set(mountPath, any ? 'any' : found);
  }
  return files;
}

function mountFaults(one: Workload, manifests: Manifests, outside: ReadonlySet<string>): string[] {
  const where = `${one.kind} ${one.name}`;
  const faults: string[] = [];
  const volumes = one.template.spec?.volumes ?? [];
  const claimed = manifests
    .of<{ spec: { volumeClaimTemplates?: { metadata: { name: string } }[] } }>('StatefulSet')
    .find(({ metadata }) => metadata.name === one.name)
    ?.spec.volumeClaimTemplates?.map((claim) => claim.metadata.name);
  for (const { name } of container(one).volumeMounts ?? [])
    if (!volumes.some((volume) => volume.name === name) && claimed?.includes(name) !== true)
      faults.push(`${where}: it mounts ${name}, which is no volume`);
  for (const volume of volumes) {
    const secrets = [
      ...(volume.secret === undefined
        ? []
        : [{ name: volume.secret.secretName, items: volume.secret.items }]),
      ...(volume.projected?.sources ?? []).flatMap(({ secret }) => (secret === undefined ? [] : [secret])),
    ];
    for (const { name = '', items = [] } of secrets) {
      const keys = keysOf(name, manifests, outside);
      if (keys === undefined) faults.push(`${where}: nothing makes the Secret ${name}`);
      else if (keys !== 'any')
        for (const { key } of items)
          if (!keys.has(key)) faults.push(`${where}: the Secret ${name} has no ${key}`);
    }
  }
  return faults;
}

function mapFaults(one: Workload, manifests: Manifests): string[] {
  return (container(one).envFrom ?? []).flatMap(({ configMapRef }) => {
    const name = configMapRef?.name ?? '';
    return manifests.named('ConfigMap', name) === undefined
      ? [`${one.kind} ${one.name}: there is no ConfigMap ${name}`]
      : [];
  });
}

function accountFaults(one: Workload, manifests: Manifests): string[] {
  const name = one.template.spec?.serviceAccountName;
  return name === undefined || manifests.named('ServiceAccount', name) !== undefined
    ? []
    : [`${one.kind} ${one.name}: there is no ServiceAccount ${name}`];
}

function serviceFaults(manifests: Manifests): string[] {
  return manifests.of<IService>('Service').flatMap(({ metadata, spec }) => {
    const pods = manifests.selected({ matchLabels: (spec?.selector ?? {}) as Record<string, string> });
    if (pods.length !== 1) return [`Service ${metadata.name}: it selects ${pods.length} workloads`];
    const one = pods[0]!;
    return (spec?.ports ?? []).flatMap(({ targetPort, port }) => {
      const target = targetPort ?? port;
      if (!resolves(one, target)) return [`Service ${metadata.name}: ${one.name} has no port ${target}`];
      // A headless Service answers with the pods themselves: what it calls its port is where they listen.
      const listens = typeof target === 'string' ? portsOf(one).get(target) : target;
      return spec?.clusterIP === 'None' && listens !== port
        ? [`Service ${metadata.name}: it says ${port}, and ${one.name} listens on ${listens}`]
        : [];
    });
  });
}

function budgetFaults(manifests: Manifests): string[] {
  return manifests.of<IPodDisruptionBudget>('PodDisruptionBudget').flatMap(({ metadata, spec }) => {
    const pods = manifests.selected(spec?.selector as Selector);
    return pods.length === 1
      ? []
      : [`PodDisruptionBudget ${metadata.name}: it selects ${pods.length} workloads`];
  });
}

interface Scaler {
  readonly spec: { readonly scaleTargetRef: { readonly kind?: string; readonly name: string } };
}

/** Autoscalers lead to a Deployment, and no two to the same. */
function targetFaults(manifests: Manifests): string[] {
  const scalers = ['HorizontalPodAutoscaler', 'ScaledObject'].flatMap((kind) => manifests.of<Scaler>(kind));
  const targets = scalers.map(({ spec }) => spec.scaleTargetRef.name);
  return scalers.flatMap(({ kind, metadata, spec: { scaleTargetRef } }, index) => [
    ...(manifests.named(scaleTargetRef.kind ?? 'Deployment', scaleTargetRef.name) === undefined
      ? [`${kind} ${metadata.name}: there is no ${scaleTargetRef.kind} ${scaleTargetRef.name}`]
      : []),
    ...(targets.indexOf(scaleTargetRef.name) === index
      ? []
      : [`two autoscalers hold ${scaleTargetRef.name}`]),
  ]);
}

interface Issued {
  readonly spec: { readonly issuerRef: { readonly kind?: string; readonly name: string } };
}

function issuerFaults(manifests: Manifests, outside: ReadonlySet<string>): string[] {
  return manifests.of<Issued>('Certificate').flatMap(({ metadata, spec: { issuerRef } }) => {
    const { kind = 'Issuer', name } = issuerRef;
    return manifests.named(kind, name) !== undefined || outside.has(`${kind} ${name}`)
      ? []
      : [`Certificate ${metadata.name}: there is no ${kind} ${name}`];
  });
}

interface Monitor {
  readonly spec: { readonly selector: Selector; readonly endpoints: readonly { readonly port?: string }[] };
}

function monitorFaults(manifests: Manifests): string[] {
  return manifests.of<Monitor>('ServiceMonitor').flatMap(({ metadata, spec }) => {
    const services = manifests
      .of<IService>('Service')
      .filter((one) => matches(spec.selector, one.metadata.labels ?? {}));
    return spec.endpoints.flatMap(({ port }) =>
      services.some((one) => one.spec?.ports?.some(({ name }) => name === port))
        ? []
        : [`ServiceMonitor ${metadata.name}: no Service that it selects has a port ${port}`],
    );
  });
}
