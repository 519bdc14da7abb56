import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { namedIn } from './promql.ts';
import { expressions, knownMetrics, OBSERVE, ROOT, rules } from './what-is-shipped.ts';

const known = knownMetrics();

/** What an expression, and the legend drawn from it, name that no sample has. */
function unknownNames(expr: string, legend = ''): string[] {
  const { metrics, grouping } = namedIn(expr);
  const faults: string[] = [];
  const labelsOfAny = new Set<string>();
  for (const { name, labels } of metrics) {
    const has = known.get(name);
    if (has === undefined) faults.push(`no metric ${name}`);
    for (const label of has ?? []) labelsOfAny.add(label);
    for (const label of labels) if (has?.has(label) === false) faults.push(`${name} has no label ${label}`);
  }
  for (const label of grouping) if (!labelsOfAny.has(label)) faults.push(`nothing has the label ${label}`);
  for (const [, label = ''] of legend.matchAll(/\{\{(\w+)\}\}/g))
    if (!labelsOfAny.has(label)) faults.push(`the legend's ${label} is no label`);
  return faults;
}

test('rules and dashboards name only metrics and labels that docs/metrics.md has', () => {
  const all = expressions();
  assert.ok(all.length > 80, 'they were found');
  assert.deepEqual(
    all.flatMap(({ where, expr, legend }) => unknownNames(expr, legend).map((fault) => `${where}: ${fault}`)),
    [],
  );
});

test('a wrong name would be seen', () => {
  assert.deepEqual(unknownNames('rate(waybill_mx_mesages_total[5m])'), [
    'no metric waybill_mx_mesages_total',
  ]);
  assert.deepEqual(unknownNames('sum by (door) (waybill_ready)', '{{door}}'), [
    'nothing has the label door',
    "the legend's door is no label",
  ]);
  assert.deepEqual(unknownNames('waybill_ready{door="imap"}'), ['waybill_ready has no label door']);
  assert.deepEqual(unknownNames('waybill_mx_accept_seconds'), ['no metric waybill_mx_accept_seconds']);
});

test('a recorded name says which labels it has', () => {
  for (const { record, expr } of rules()) {
    if (record === undefined) continue;
    assert.deepEqual(
      new Set(namedIn(expr).grouping),
      known.get(record),
      `${record} is not grouped by what its name says`,
    );
  }
});

test('each alert has a severity, a summary, and a paragraph of its own in docs/alerts.md', () => {
  const page = fs.readFileSync(path.join(ROOT, 'docs/alerts.md'), 'utf8');
  const headings = page
    .split('\n')
    .filter((line) => line.startsWith('## '))
    .map((line) => line.slice(3));
  const alerts = rules().filter(({ alert }) => alert !== undefined);
  assert.deepEqual(headings.toSorted(), alerts.map(({ alert = '' }) => alert).toSorted());
  for (const { alert = '', labels, annotations } of alerts) {
    assert.match(labels?.['severity'] ?? '', /^(page|ticket)$/, alert);
    assert.ok((annotations?.['summary'] ?? '').length > 10, alert);
    assert.equal(annotations?.['runbook_url'], `docs/alerts.md#${alert.toLowerCase()}`);
    const paragraph = page.split(`## ${alert}\n`)[1]?.split('\n## ')[0] ?? '';
    assert.equal(paragraph.trim().startsWith('*Page.*'), labels?.['severity'] === 'page', alert);
  }
});

test('Prometheus asks every agent of docker-compose.yml, and the limits in the rules are those of that file', () => {
  const compose = parse(fs.readFileSync(path.join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
    services: Record<
      string,
      {
        command?: unknown;
        image?: string;
        restart?: string;
        mem_limit?: string;
        environment?: Record<string, string>;
      }
    >;
  };
  const agents = Object.entries(compose.services).filter(
    ([name, { command, image, restart }]) =>
      image?.startsWith('${WAYBILL_IMAGE') && String(command) === name && restart !== 'no',
  );
  const prometheus = parse(fs.readFileSync(path.join(OBSERVE, 'prometheus.yml'), 'utf8')) as {
    scrape_configs: { job_name: string; dns_sd_configs?: { names: string[]; port: number }[] }[];
  };
  const [found] =
    prometheus.scrape_configs.find(({ job_name }) => job_name === 'waybill')?.dns_sd_configs ?? [];
  assert.deepEqual(found?.names.toSorted(), agents.map(([name]) => name).toSorted());
  assert.equal(found?.port, 9090);

  const memory = rules().find(({ alert }) => alert === 'WaybillMemoryHigh')?.expr ?? '';
  const limits = new Map<string, number>();
  for (const [, names = '', bytes] of memory.matchAll(/agent=~?"([a-z|]+)"\} > 0\.85 \* (\d+)/g))
    for (const name of names.split('|')) limits.set(name, Number(bytes));
  const units: Readonly<Record<string, number>> = { m: 2 ** 20, g: 2 ** 30 };
  for (const [name, { mem_limit = '' }] of agents)
    assert.equal(limits.get(name), Number(mem_limit.slice(0, -1)) * (units[mem_limit.slice(-1)] ?? 0), name);

  const connections = rules().find(({ alert }) => alert === 'WaybillDatabaseConnectionsHigh')?.expr ?? '';
  const most = JSON.stringify(compose.services['postgres']?.command).match(
    /DATABASE_CONNECTIONS:-(\d+)/,
  )?.[1];
  assert.equal(connections.match(/\* (\d+)$/)?.[1], most);
});
