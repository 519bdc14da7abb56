import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { dashboardFiles } from '../../scripts/make-dashboards.ts';
import { type DashboardModel, dashboards, OBSERVE } from './what-is-shipped.ts';

const GRAFANA = path.join(OBSERVE, 'grafana');
const boards = dashboards();

test('the dashboards are what `node scripts/make-dashboards.ts` writes, and no others', () => {
  const written = dashboardFiles();
  assert.deepEqual(new Set(written.keys()), new Set(boards.map(({ file }) => path.join(OBSERVE, file))));
  for (const [file, text] of written)
    assert.deepEqual(JSON.parse(fs.readFileSync(file, 'utf8')), JSON.parse(text), `${file} is out of date`);
});

test('every dashboard and every panel can be told from the others', () => {
  assert.equal(new Set(boards.map(({ uid }) => uid)).size, boards.length);
  assert.equal(new Set(boards.map(({ title }) => title)).size, boards.length);
  for (const { file, panels } of boards) {
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length, file);
    const titles = panels.filter(({ type }) => type !== 'row').map(({ title }) => title);
    assert.equal(new Set(titles).size, titles.length, file);
  }
});

test('panels lie within the page and not on each other, and each asks something', () => {
  for (const { file, panels } of boards)
    for (const [index, panel] of panels.entries()) {
      assert.ok(panel.gridPos.x + panel.gridPos.w <= 24, `${file}: ${panel.title} is too wide`);
      for (const other of panels.slice(index + 1))
        assert.ok(!overlap(panel, other), `${file}: ${panel.title} lies on ${other.title}`);
      if (panel.type !== 'row') assert.ok((panel.targets ?? []).length > 0, `${file}: ${panel.title}`);
    }
});

test('Grafana is given the dashboards and the datasource that they ask', () => {
  const provisioned = (name: string): unknown =>
    parse(fs.readFileSync(path.join(GRAFANA, 'provisioning', name), 'utf8'));
  const { datasources } = provisioned('datasources/prometheus.yml') as {
    datasources: { uid: string; url: string }[];
  };
  const uids = new Set(datasources.map(({ uid }) => uid));
  for (const { file, panels } of boards) {
    const asked = [...JSON.stringify(panels).matchAll(/"datasource":\{[^}]*"uid":"([^"]+)"/g)];
    assert.ok(asked.length > 0);
    for (const [, uid = ''] of asked) assert.ok(uids.has(uid), `${file} asks ${uid}`);
  }
  const compose = parse(fs.readFileSync(path.join(OBSERVE, 'compose.yml'), 'utf8')) as {
    services: Record<string, { environment: Record<string, string>; volumes: unknown[] } | undefined>;
  };
  const { providers } = provisioned('dashboards/waybill.yml') as {
    providers: { options: { path: string } }[];
  };
  const grafana = compose.services['grafana'];
  const folder = providers[0]?.options.path;
  assert.ok(grafana?.volumes.includes(`./grafana/dashboards:${folder}:ro`));
  const home = grafana?.environment['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'] ?? '';
  assert.equal(path.dirname(home), folder);
  assert.ok(fs.existsSync(path.join(GRAFANA, 'dashboards', path.basename(home))));
  assert.ok(compose.services['prometheus'] !== undefined && datasources[0]?.url === 'http://prometheus:9090');
});

test('nothing has a default password', () => {
  const text = fs.readFileSync(path.join(OBSERVE, 'compose.yml'), 'utf8');
  assert.match(text, /GF_SECURITY_ADMIN_PASSWORD__FILE: \/run\/waybill\/admin-password/);
  assert.doesNotMatch(text, /PASSWORD: /);
});

type Placed = DashboardModel['panels'][number];
function overlap({ gridPos: a }: Placed, { gridPos: b }: Placed): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}
