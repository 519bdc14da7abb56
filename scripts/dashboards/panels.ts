/** What a Grafana dashboard is made of here: rows of panels, each one question with its Prometheus queries. */
export interface Panel {
  readonly title: string;
  /** How it is drawn: numbers of this moment, curves over time, or a table of this moment. */
  readonly as: 'numbers' | 'curves' | 'table';
  readonly unit: Unit;
  /** Of 24 columns. */
  readonly width: 4 | 6 | 8 | 12 | 24;
  /** What a reader should make of it. */
  readonly about?: string;
  /** Query and the name of its curves, with `{{label}}`. */
  readonly queries: readonly (readonly [expr: string, legend: string])[];
  /** From this value on it is shown red (below it, with `lowIsBad`). */
  readonly bad?: number;
  readonly lowIsBad?: boolean;
}

/** Grafana's names of units. */
export type Unit = 'short' | 's' | 'bytes' | 'ops' | 'percentunit' | 'cps' | 'd' | 'Bps';

export interface Dashboard {
  /** File name and end of its address; stays the same for ever. */
  readonly name: string;
  readonly title: string;
  readonly about: string;
  /** Whether it can be narrowed to some agents. */
  readonly byAgent?: boolean;
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[];
}

const SOURCE = { type: 'prometheus', uid: 'waybill-prometheus' } as const;
const COLUMNS = 24;
const HEIGHT = { numbers: 4, curves: 8, table: 8 } as const;

/** The dashboard as Grafana's JSON model, schema 39. */
export function grafanaModel(dashboard: Dashboard): object {
  const panels: object[] = [];
  let y = 0;
  for (const row of dashboard.rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
      panels: [],
    });
    y += 1;
    let x = 0;
    let tallest = 0;
    for (const panel of row.panels) {
      if (x + panel.width > COLUMNS) {
        x = 0;
        y += tallest;
        tallest = 0;
      }
      const gridPos = { x, y, w: panel.width, h: HEIGHT[panel.as] };
      panels.push({ id: panels.length + 1, gridPos, ...panelModel(panel) });
      x += panel.width;
      tallest = Math.max(tallest, gridPos.h);
    }
    y += tallest;
  }
  return {
    uid: `waybill-${dashboard.name}`,
    title: dashboard.title,
    description: dashboard.about,
    tags: ['waybill'],
    schemaVersion: 39,
    version: 1,
    editable: false,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    graphTooltip: 1,
    links: [
      {
        type: 'dashboards',
        title: 'Waybill',
        tags: ['waybill'],
        asDropdown: false,
        includeVars: false,
        keepTime: true,
      },
    ],
    templating: { list: dashboard.byAgent === true ? [agentVariable()] : [] },
    annotations: { list: [] },
    panels,
  };
}

function panelModel(panel: Panel): object {
  const now = panel.as !== 'curves';
  return {
    type: { numbers: 'stat', curves: 'timeseries', table: 'table' }[panel.as],
    title: panel.title,
    ...(panel.about === undefined ? {} : { description: panel.about }),
    datasource: SOURCE,
    targets: panel.queries.map(([expr, legendFormat], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: SOURCE,
      expr,
      legendFormat,
      instant: now,
      range: !now,
      format: panel.as === 'table' ? 'table' : 'time_series',
    })),
    fieldConfig: {
      defaults: { unit: panel.unit, min: 0, ...(panel.bad === undefined ? {} : limits(panel, panel.bad)) },
      overrides: [],
    },
    options: OPTIONS[panel.as],
  };
}

const OPTIONS = {
  numbers: {
    reduceOptions: { calcs: ['lastNotNull'] },
    colorMode: 'value',
    graphMode: 'none',
    textMode: 'auto',
  },
  curves: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
  table: { showHeader: true },
} as const;

function limits(panel: Panel, bad: number): object {
  const [below, above] = panel.lowIsBad === true ? ['red', 'green'] : ['green', 'red'];
  const custom = panel.as === 'curves' ? { custom: { thresholdsStyle: { mode: 'dashed' } } } : {};
  const steps = [
    { color: below, value: null },
    { color: above, value: bad },
  ];
  return { thresholds: { mode: 'absolute', steps }, ...custom };
}

function agentVariable(): object {
  return {
    name: 'agent',
    label: 'Agent',
    type: 'query',
    datasource: SOURCE,
    query: { query: 'label_values(waybill_ready, agent)', refId: 'agents' },
    refresh: 2,
    sort: 1,
    includeAll: true,
    multi: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  };
}
