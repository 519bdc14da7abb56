import fs from 'node:fs';
import path from 'node:path';
import { agents } from './dashboards/agents.ts';
import { overview } from './dashboards/overview.ts';
import { type Dashboard, grafanaModel } from './dashboards/panels.ts';
import { queue } from './dashboards/queue.ts';
import { readers } from './dashboards/readers.ts';

/**
 * Writes Grafana's dashboards (deploy/observe/grafana/dashboards) from the tables in scripts/dashboards:
 * a panel is a line to read there, and a page of JSON here. A test says when they differ.
 */
export const DASHBOARDS: readonly Dashboard[] = [overview, queue, readers, agents];
const FOLDER = path.join(import.meta.dirname, '../deploy/observe/grafana/dashboards');

/** Every file's path and text. */
export function dashboardFiles(): Map<string, string> {
  return new Map(
    DASHBOARDS.map((one) => [
      path.join(FOLDER, `${one.name}.json`),
      `${JSON.stringify(grafanaModel(one), null, 2)}\n`,
    ]),
  );
}

if (import.meta.main) for (const [file, text] of dashboardFiles()) fs.writeFileSync(file, text);
