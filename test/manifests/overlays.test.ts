import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { connectionsNeeded, OUTSIDE_MAX_CONNECTIONS } from './connections.ts';
import { faultsOf, OUTSIDE } from './faults.ts';
import { needsKubectl } from './kubectl.ts';
import { Manifests } from './manifests.ts';
import { prometheusRule, RULE_FILE } from './prometheus-rule.ts';
import { parseManifests, Tree } from './render.ts';
import { referenceFaults } from './references.ts';
import { schemaFaults } from './schema.ts';
import { configOf, environment } from './settings.ts';

/** Every overlay, rendered as kubectl would and held against the schemas, the services' settings and itself. */
needsKubectl('test/manifests/overlays.test.ts');
const root = path.join(import.meta.dirname, '../..');
const readme = fs.readFileSync(path.join(root, 'k8s/README.md'), 'utf8');
const tree = await Tree.make();
after(() => tree[Symbol.dispose]());

for (const [name, outside] of Object.entries(OUTSIDE))
  test(`overlay ${name} has no fault`, () => {
    assert.deepEqual(faultsOf(tree.render(`overlays/${name}`), outside), []);
  });

test('every overlay is among those', () => {
  assert.deepEqual(fs.readdirSync(tree.path('overlays')).toSorted(), Object.keys(OUTSIDE).toSorted());
});

test('every component is used by an overlay, or takes the place of one that is', () => {
  const texts = Object.keys(OUTSIDE).map((name) =>
    fs.readFileSync(tree.path(`overlays/${name}/kustomization.yaml`), 'utf8'),
  );
  const unused = fs
    .readdirSync(tree.path('components'))
    .filter((name) => !texts.some((text) => text.includes(`../../components/${name}`)));
  assert.deepEqual(unused, []);
});

test('production behind load balancers that speak the PROXY protocol has no fault', async () => {
  using other = await Tree.make();
  other.edit('overlays/production/kustomization.yaml', (text) =>
    text.replace('- ../../components/lb-local', '- ../../components/lb-proxy-protocol'),
  );
  const manifests = other.render('overlays/production');
  assert.deepEqual(faultsOf(manifests, OUTSIDE['production'] ?? new Set()), []);
});

test('an overlay with both ways of load balancing, or with none, is told', async () => {
  using both = await Tree.make();
  both.edit('overlays/production/kustomization.yaml', (text) =>
    text.replace(
      '  - ../../components/lb-local',
      '  - ../../components/lb-local\n  - ../../components/lb-proxy-protocol',
    ),
  );
  assert.throws(() => both.render('overlays/production'), /mx-public|mra-public|msa-public/);
  using none = await Tree.make();
  none.edit('overlays/production/kustomization.yaml', (text) =>
    text.replace('  - ../../components/lb-local\n', ''),
  );
  const faults = faultsOf(none.render('overlays/production'), OUTSIDE['production'] ?? new Set());
  assert.deepEqual(
    faults,
    ['mra', 'msa', 'mx'].map((name) => `${name}: it has 0 load balancers, not one`),
  );
});

test('one agent alone: its folder and the site make an mx that hands to another machine', async () => {
  using alone = await Tree.make();
  alone.write(
    'overlays/mx-alone/kustomization.yaml',
    `namespace: waybill
resources: [../../base/mx, ../../base/site]
configMapGenerator:
  - name: waybill-mx
    behavior: merge
    literals:
      - WAYBILL_AUTH=auth.other.example:2100
      - WAYBILL_HANDOFF=smtp://mta.other.example:2526
`,
  );
  const manifests = alone.render('overlays/mx-alone');
  assert.deepEqual(manifests.all.flatMap(schemaFaults), []);
  assert.deepEqual(
    referenceFaults(manifests, new Set(['Secret waybill-mx', 'Secret waybill-public-tls'])),
    [],
  );
  const mx = manifests.agent('mx');
  assert.ok(mx);
  const config = configOf('mx', environment(mx, manifests));
  assert.equal(
    'values' in config ? config.values['WAYBILL_HANDOFF'] : config.faults,
    'smtp://mta.other.example:2526',
  );
});

test('Secrets made by hand hold every file that the production pods look for', () => {
  const text = execFileSync(
    'sh',
    [path.join(root, 'k8s/secrets-as-manifests.sh'), tree.path('overlays/try/secrets')],
    {
      encoding: 'utf8',
    },
  );
  const secrets = parseManifests(text.replace(/^---\n/, ''));
  assert.deepEqual(secrets.all.flatMap(schemaFaults), []);
  assert.ok(!text.includes('ca.key'), 'the key of the authority leaves its folder');
  const made = secrets.all.map((one) => ({ ...one, metadata: { ...one.metadata, namespace: 'waybill' } }));
  const all = [...tree.render('overlays/production').all, ...made];
  assert.deepEqual(faultsOf(new Manifests(all), new Set(['ClusterIssuer letsencrypt'])), []);
});

test('the README names what must be there before, and how many connections Postgres must allow', () => {
  for (const name of OUTSIDE['production'] ?? []) {
    const said = name.replace(/^Secret waybill-.*/, 'secrets-as-manifests.sh').replace('ClusterIssuer ', '');
    assert.ok(readme.includes(said), `${name} is not in k8s/README.md`);
  }
  assert.ok(readme.includes(`max_connections = ${OUTSIDE_MAX_CONNECTIONS}`));
  assert.ok(connectionsNeeded(tree.render('overlays/production')) <= OUTSIDE_MAX_CONNECTIONS);
});

test('the rules for the Prometheus operator are those of deploy/observe', () => {
  const written = fs.readFileSync(RULE_FILE, 'utf8');
  assert.ok(written === prometheusRule(), 'they differ: run node test/manifests/prometheus-rule.ts');
});
