import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { findPromtool } from '../../scripts/promtool-from-debian.ts';
import { expressions, OBSERVE } from './what-is-shipped.ts';

const found = findPromtool();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'waybill-promtool-'));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Runs promtool. @returns what it printed; fails when it does. */
function promtool(...args: string[]): string {
  assert.ok('command' in found, 'missing' in found ? found.missing : '');
  const run = spawnSync(found.command, args, { cwd: OBSERVE, encoding: 'utf8', timeout: 60_000 });
  assert.equal(run.status, 0, `${run.stdout}${run.stderr}`);
  return `${run.stdout}${run.stderr}`;
}

// Without promtool this registers nothing; `pnpm test` says that it was not found.
if ('command' in found) {
  test('Prometheus takes its configuration and all rules', () => {
    assert.match(promtool('check', 'config', 'prometheus.yml'), /2 rule files found/);
  });

  test('alerts are raised by what they are for, and by nothing else', () => {
    promtool('test', 'rules', ...fs.globSync('rule-tests/*.yml', { cwd: OBSERVE }));
  });

  test('every query of the dashboards is one', () => {
    const rules = expressions().map(({ expr }, index) => ({
      record: `query:${index}`,
      expr: expr.replaceAll('$__rate_interval', '1m'),
    }));
    const file = path.join(folder, 'queries.json');
    fs.writeFileSync(file, JSON.stringify({ groups: [{ name: 'queries', rules }] }));
    assert.match(promtool('check', 'rules', file), new RegExp(`${rules.length} rules found`));
  });
} else console.log(`NOT FOUND  ${found.missing}`);
