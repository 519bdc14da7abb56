import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { faultsOf, OUTSIDE } from './faults.ts';
import { needsKubectl } from './kubectl.ts';
import { type Manifest, Manifests } from './manifests.ts';
import { Tree } from './render.ts';

/** The checks of the manifests, checked: a fault is planted in a copy of what was rendered, and must be told. */
needsKubectl('test/manifests/planted-faults.test.ts');

/** Objects as they are read from YAML, for planting. */
interface Plantable {
  [key: string]: Plantable;
  [index: number]: Plantable;
}
type Plant = (find: (kind: string, name: string) => Plantable, all: Manifest[]) => void;

const set = (object: Plantable, key: string, value: unknown): void => void Reflect.set(object, key, value);
const agent = (object: Plantable): Plantable => object['spec']!['template']!['spec']!['containers']![0]!;
const map = (all: Manifest[], name: string): Record<string, string> =>
  (
    all.find(
      ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith(`${name}-`),
    ) as unknown as {
      data: Record<string, string>;
    }
  ).data;
const remove = (all: Manifest[], kind: string, name: string): void =>
  void all.splice(
    all.findIndex((one) => one.kind === kind && one.metadata.name === name),
    1,
  );

const PLANTS: readonly (readonly [what: string, told: RegExp, plant: Plant])[] = [
  [
    'a field that no schema has',
    /spec\.repplicas is not a field/,
    (find) => set(find('Deployment', 'mx')['spec']!, 'repplicas', 3),
  ],
  [
    'an unknown field deep down',
    /containers\[0\]\.livenesProbe is not a field/,
    (find) => set(agent(find('Deployment', 'mda')), 'livenesProbe', {}),
  ],
  [
    'an unknown field of a custom resource',
    /spec\.minReplicas is not a field/,
    (find) => set(find('ScaledObject', 'mta')['spec']!, 'minReplicas', 1),
  ],
  [
    'a wrong type',
    /minReadySeconds must be integer/,
    (find) => set(find('Deployment', 'mx')['spec']!, 'minReadySeconds', '15'),
  ],
  [
    'a required field that is missing',
    /scaleTargetRef must have required property/,
    (find) => void Reflect.deleteProperty(find('ScaledObject', 'mta')['spec']!['scaleTargetRef']!, 'name'),
  ],
  [
    'an API that does not exist',
    /no schema is known/,
    (find) => set(find('PodDisruptionBudget', 'mx'), 'apiVersion', 'policy/v1beta1'),
  ],
  [
    'a port moved in the settings only',
    /WAYBILL_MX_PORT is 2526, which the container does not declare/,
    (_, all) => void (map(all, 'waybill-mx')['WAYBILL_MX_PORT'] = '2526'),
  ],
  [
    'a port moved in the container only',
    /nothing listens on its port 2425/,
    (find) => set(agent(find('Deployment', 'mda'))['ports']![1]!, 'containerPort', 2425),
  ],
  [
    'a port renamed in the container only',
    /Service mx.*has no port smtp/,
    (find) => set(agent(find('Deployment', 'mx'))['ports']![1]!, 'name', 'smtp-in'),
  ],
  [
    'a port moved in the Service only',
    /Service mx: it says 2526, and mx listens on 2525/,
    (find) => set(find('Service', 'mx')['spec']!['ports']![0]!, 'port', 2526),
  ],
  [
    'a port name of 16 characters',
    /"submission-start" is none/,
    (find) => set(agent(find('Deployment', 'msa'))['ports']![1]!, 'name', 'submission-start'),
  ],
  [
    'a variable renamed',
    /mta: WAYBILL_MDA_PLACE is not a setting of this agent/,
    (_, all) => {
      const data = map(all, 'waybill-mta');
      data['WAYBILL_MDA_PLACE'] = data['WAYBILL_MDA']!;
      delete data['WAYBILL_MDA'];
    },
  ],
  [
    'a required variable removed',
    /mra: WAYBILL_AUTH_CA_FILE is missing/,
    (_, all) => void delete map(all, 'waybill-mra')['WAYBILL_AUTH_CA_FILE'],
  ],
  [
    'a value out of range',
    /mx: WAYBILL_DATABASE_POOL/,
    (_, all) => void (map(all, 'waybill-mx')['WAYBILL_DATABASE_POOL'] = '0'),
  ],
  [
    'a file that is not mounted',
    /WAYBILL_TLS_CERT_FILE names \/run\/tls\/cert.pem, which is not mounted/,
    (_, all) => void (map(all, 'waybill-msa')['WAYBILL_TLS_CERT_FILE'] = '/run/tls/cert.pem'),
  ],
  [
    'a Secret that nobody makes',
    /nothing makes the Secret waybill-mx-agent/,
    (find) => {
      const sources = find('Deployment', 'mx')['spec']!['template']!['spec']!['volumes']![0]!['projected']![
        'sources'
      ]!;
      set(sources[1]!['secret']!, 'name', 'waybill-mx-agent');
    },
  ],
  [
    'a key that the Secret lacks',
    /Secret waybill-auth-certificate has no cert/,
    (find) => {
      const sources = find('Deployment', 'auth')['spec']!['template']!['spec']!['volumes']![0]!['projected']![
        'sources'
      ]!;
      set(sources[1]!['secret']!['items']![1]!, 'key', 'cert');
    },
  ],
  [
    'a ConfigMap that is not there',
    /there is no ConfigMap waybill-elsewhere/,
    (find) =>
      set(agent(find('Deployment', 'mta'))['envFrom']![0]!['configMapRef']!, 'name', 'waybill-elsewhere'),
  ],
  [
    'an agent told to be another',
    /mx: the image is told to run "msa"/,
    (find) => set(agent(find('Deployment', 'mx')), 'args', ['msa']),
  ],
  [
    'a disruption budget that is missing',
    /Deployment mra: it has 0 PodDisruptionBudgets/,
    (_, all) => remove(all, 'PodDisruptionBudget', 'mra'),
  ],
  [
    'a service account that is missing',
    /there is no ServiceAccount auth/,
    (_, all) => remove(all, 'ServiceAccount', 'auth'),
  ],
  [
    'a selector that misses its pods',
    /Deployment mda: its selector does not match/,
    (find) =>
      set(
        find('Deployment', 'mda')['spec']!['selector']!['matchLabels']!,
        'app.kubernetes.io/component',
        'mra',
      ),
  ],
  [
    'an inner Service with one address',
    /names auth, whose Service does not answer/,
    (find) => void Reflect.deleteProperty(find('Service', 'auth')['spec']!, 'clusterIP'),
  ],
  [
    'a Service that is gone',
    /WAYBILL_MDA names mda, and there is no such Service/,
    (_, all) => remove(all, 'Service', 'mda'),
  ],
  [
    'a deadline longer than the grace period',
    /mta: it may take .* is killed after 121 s/,
    (_, all) => void (map(all, 'waybill-mta')['WAYBILL_DRAIN_DEADLINE_SECONDS'] = '200'),
  ],
  [
    'a writable root',
    /Deployment mx: it lacks a read-only root/,
    (find) => set(agent(find('Deployment', 'mx'))['securityContext']!, 'readOnlyRootFilesystem', false),
  ],
  [
    'a probe of the wrong path',
    /its probes ask .*\/health@ops/,
    (find) => set(agent(find('Deployment', 'mx'))['readinessProbe']!['httpGet']!, 'path', '/health'),
  ],
  [
    'a volume that keeps state',
    /Deployment mta: the volume spool may hold state/,
    (find) =>
      set(find('Deployment', 'mta')['spec']!['template']!['spec']!['volumes']!, '2', {
        name: 'spool',
        persistentVolumeClaim: { claimName: 'spool' },
      }),
  ],
  [
    'an edge too many',
    /lets mx → mda:2424 pass|only one end of mx → mda:2424/,
    (find) =>
      set(find('NetworkPolicy', 'mx')['spec']!['egress']!, '1', {
        to: [{ podSelector: { matchLabels: { 'app.kubernetes.io/component': 'mda' } } }],
        ports: [{ port: 2424 }],
      }),
  ],
  [
    'an edge that is cut',
    /stops mta → mda:2424/,
    (find) => set(find('NetworkPolicy', 'mda')['spec']!['ingress']![0]!['ports']![0]!, 'port', 2525),
  ],
  [
    'private networks open to mta',
    /lets mta → everything:25 pass/,
    (find) => set(find('NetworkPolicy', 'mta')['spec']!['egress']![2]!['to']![0]!['ipBlock']!, 'except', []),
  ],
  [
    'nothing denied by default',
    /no NetworkPolicy denies/,
    (_, all) => remove(all, 'NetworkPolicy', 'default-deny'),
  ],
  [
    'more replicas than Postgres has connections for',
    /all pools together may want/,
    (find) => set(find('HorizontalPodAutoscaler', 'mx')['spec']!, 'maxReplicas', 40),
  ],
  [
    'a metric that nobody exports',
    /nobody exports waybill_sessions$/,
    (find) =>
      set(
        find('HorizontalPodAutoscaler', 'mra')['spec']!['metrics']![1]!['pods']!['metric']!,
        'name',
        'waybill_sessions',
      ),
  ],
  [
    'two autoscalers of one agent',
    /two autoscalers hold mta/,
    (find) => set(find('HorizontalPodAutoscaler', 'mx')['spec']!['scaleTargetRef']!, 'name', 'mta'),
  ],
  [
    'a PROXY header that nobody sends',
    /mx: it expects a PROXY header/,
    (_, all) => void (map(all, 'waybill-mx')['WAYBILL_PROXY_FROM'] = '10.0.0.0/8'),
  ],
  [
    'the image of another version',
    /its image is waybill:0\.1\.0/,
    (find) => set(agent(find('Deployment', 'mda')), 'image', 'waybill:0.1.0'),
  ],
  [
    'a password that migrate is not given',
    /migrate: WAYBILL_ROLE_PASSWORD_AUTH_FILE is missing/,
    (find, all) => {
      const name = all.find(({ kind }) => kind === 'Job')!.metadata.name;
      const env = agent(find('Job', name))['env'] as unknown as { name: string }[];
      env.splice(
        env.findIndex((one) => one.name.includes('PASSWORD_AUTH')),
        1,
      );
    },
  ],
];

const tree = await Tree.make();
after(() => tree[Symbol.dispose]());
const clean = tree.render('overlays/production').all;
const outside = OUTSIDE['production'] ?? new Set<string>();

for (const [what, told, plant] of PLANTS)
  test(`told: ${what}`, () => {
    const all = structuredClone(clean) as Manifest[];
    plant((kind, name) => {
      const found = all.find((one) => one.kind === kind && one.metadata.name === name);
      assert.ok(found, `${kind} ${name}`);
      return found as unknown as Plantable;
    }, all);
    const faults = faultsOf(new Manifests(all), outside);
    assert.ok(
      faults.some((fault) => told.test(fault)),
      `nobody told; but: ${faults.join('\n')}`,
    );
  });
