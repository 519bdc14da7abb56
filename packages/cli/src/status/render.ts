import type { DatabaseStatus } from './database.ts';
import type { Replica } from './replica.ts';

/** Everything that `waybill status` shows, and its JSON. */
export interface Status {
  readonly at: string;
  readonly replicas: readonly Replica[];
  /** Undefined when Postgres could not be asked; `todo` says why. */
  readonly database: DatabaseStatus | undefined;
  readonly todo: readonly string[];
}

const COLUMNS: readonly (readonly [head: string, cell: (replica: Replica) => string, right?: true])[] = [
  ['agent', ({ agent }) => agent],
  ['replica', ({ instance }) => instance],
  ['state', ({ state }) => state],
  ['version', ({ version }) => version ?? ''],
  ['up', ({ uptimeSeconds: s }) => (s === undefined ? '' : duration(s)), true],
  [
    'sessions',
    ({ agent, sessions }) =>
      sessions === undefined ? '' : `${sessions}${agent === 'mta' ? ' in hand' : ''}`,
    true,
  ],
  ['per second', ({ rate }) => (rate === undefined ? '' : `${figure(rate.perSecond)} ${rate.what}`), true],
  ['cpu', ({ cpu }) => (cpu === undefined ? '' : `${Math.round(cpu * 100)} %`), true],
  ['memory', ({ memoryBytes: b }) => (b === undefined ? '' : `${Math.round(b / 1_048_576)} MiB`), true],
];

/** For people: replicas, queue, connections, and what there is to do. */
export function renderStatus(status: Status): string {
  const rows = [
    COLUMNS.map(([head]) => head),
    ...status.replicas.map((replica) => COLUMNS.map(([, cell]) => printable(cell(replica)))),
  ];
  const lines = aligned(
    rows,
    COLUMNS.map(([, , right]) => right === true),
  );
  const { database } = status;
  if (database !== undefined) {
    const { queue, connections } = database;
    lines.push(
      '',
      `queue     ${queue.queued} waiting, of these ${queue.due} due` +
        `${queue.due > 0 ? ` (the oldest for ${duration(queue.oldestDueSeconds)})` : ''}; ${queue.leased} being delivered`,
    );
    const destinations = queue.destinations.map(({ destination, open, oldestDueSeconds }) => [
      `          ${printable(destination)}`,
      `${open}`,
      oldestDueSeconds > 0 ? `oldest due for ${duration(oldestDueSeconds)}` : '',
    ]);
    lines.push(...aligned(destinations, [false, true, false]));
    const roles = Object.entries(connections.byRole).map(
      ([role, used]) => `${role.replace('waybill_', '')} ${used}`,
    );
    lines.push(`postgres  ${connections.used} of ${connections.max} connections: ${roles.join(', ')}`);
  }
  lines.push('');
  if (status.todo.length === 0) lines.push('Every replica is ready; there is nothing to do.');
  else lines.push('To do:', ...status.todo.map((one) => `  - ${printable(one)}`));
  return `${lines.join('\n')}\n`;
}

function aligned(rows: readonly (readonly string[])[], right: readonly boolean[]): string[] {
  const widths = right.map((_, i) => rows.reduce((most, row) => Math.max(most, row[i]?.length ?? 0), 0));
  return rows.map((row) =>
    row
      .map((cell, i) => (right[i] === true ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** `45 s`, `3 m 20 s`, `5 h 12 m`, `12 d 4 h`. */
export function duration(seconds: number): string {
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${whole % 60} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} m`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

function figure(value: number): string {
  return value === 0 ? '0' : value < 10 ? value.toFixed(1) : String(Math.round(value));
}

/** What came over the network is no command to a terminal. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '');
}
