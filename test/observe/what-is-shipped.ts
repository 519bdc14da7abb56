import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

/** Everything that asks for metrics: rules and dashboards as they are shipped. */
export const ROOT = path.join(import.meta.dirname, '../..');
export const OBSERVE = path.join(ROOT, 'deploy/observe');

export interface Rule {
  readonly file: string;
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export function rules(): Rule[] {
  return fs.globSync('rules/*.yml', { cwd: OBSERVE }).flatMap((file) => {
    const { groups } = parse(fs.readFileSync(path.join(OBSERVE, file), 'utf8')) as {
      groups: { rules: Omit<Rule, 'file'>[] }[];
    };
    return groups.flatMap((group) => group.rules.map((rule) => ({ file, ...rule })));
  });
}

interface Target {
  readonly expr: string;
  readonly legendFormat: string;
}

export interface DashboardModel {
  readonly file: string;
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly targets?: readonly Target[];
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  }[];
}

export function dashboards(): DashboardModel[] {
  return fs.globSync('grafana/dashboards/*.json', { cwd: OBSERVE }).map((file) => ({
    ...(JSON.parse(fs.readFileSync(path.join(OBSERVE, file), 'utf8')) as Omit<DashboardModel, 'file'>),
    file,
  }));
}

/** Every expression with the place that it stands at. */
export function expressions(): { readonly where: string; readonly expr: string; readonly legend?: string }[] {
  return [
    ...rules().map((rule) => ({ where: `${rule.file}: ${rule.alert ?? rule.record}`, expr: rule.expr })),
    ...dashboards().flatMap((board) =>
      board.panels.flatMap((panel) =>
        (panel.targets ?? []).map(({ expr, legendFormat }) => ({
          where: `${board.file}: ${panel.title}`,
          expr,
          legend: legendFormat,
        })),
      ),
    ),
  ];
}

/** The names that samples may have, with their labels: those of docs/metrics.md, and of the rules recorded here. */
export function knownMetrics(): Map<string, ReadonlySet<string>> {
  const known = new Map<string, ReadonlySet<string>>();
  for (const line of fs.readFileSync(path.join(ROOT, 'docs/metrics.md'), 'utf8').split('\n')) {
    const [, first = '', type = '', labels = ''] = line.split('|').map((cell) => cell.trim());
    if (!first.startsWith('`waybill_') || type === '') continue;
    const name = first.slice(1, -1);
    const own = new Set(['agent', 'instance', 'job', ...(labels === '–' ? [] : labels.split(', '))]);
    if (type !== 'histogram') known.set(name, own);
    else {
      known.set(`${name}_bucket`, new Set([...own, 'le']));
      known.set(`${name}_sum`, own);
      known.set(`${name}_count`, own);
    }
  }
  // Prometheus itself makes these.
  known.set('up', new Set(['agent', 'instance', 'job']));
  known.set('ALERTS', new Set(['alertname', 'alertstate', 'severity', 'agent', 'instance']));
  // A recorded name begins with the labels that it has: level:metric:operation.
  for (const { record } of rules()) {
    const level = record?.split(':')[0] ?? '';
    if (record !== undefined) known.set(record, new Set(level === 'waybill' ? [] : level.split('_')));
  }
  return known;
}
