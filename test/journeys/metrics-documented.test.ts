import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { type Family, parseExposition } from '@waybill/daemon';
import { AGENTS, type AgentName } from '@waybill/lab';
import { message, TestWorld } from './a-world.ts';

const PAGE = path.join(import.meta.dirname, '../../docs/metrics.md');

interface Row {
  readonly type: string;
  readonly labels: ReadonlySet<string>;
  readonly agents: readonly string[];
  readonly onlyLinux: boolean;
}

/** The rows of all tables of the page whose first cell is a metric's name. */
function documented(): ReadonlyMap<string, Row> {
  const rows = new Map<string, Row>();
  for (const line of fs.readFileSync(PAGE, 'utf8').split('\n')) {
    const [, first = '', type = '', labels = '', agents = '', meaning = ''] = line
      .split('|')
      .map((cell) => cell.trim());
    if (!first.startsWith('`waybill_') || type === '') continue;
    const name = first.slice(1, -1);
    assert.ok(!rows.has(name), `${name} stands twice in docs/metrics.md`);
    rows.set(name, {
      type,
      labels: new Set(labels === '–' ? [] : labels.split(', ')),
      agents: agents === 'all' ? AGENTS : agents.split(', '),
      onlyLinux: meaning.endsWith('(Linux)'),
    });
  }
  return rows;
}

const t = await TestWorld.start({ mtaDoor: true });
after(() => t[Symbol.asyncDispose]());

async function scrape(agent: AgentName): Promise<ReadonlyMap<string, Family>> {
  const port = t.world.replicasOf(agent)[0]?.ports['ops'];
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  assert.equal(answer.status, 200);
  return parseExposition(await answer.text());
}

test('docs/metrics.md lists every metric of every agent, and no other', async () => {
  // Labels show once something was counted: a message goes in, one is refused, one comes back.
  const headers = { From: t.alice.address, To: t.bob.address, Subject: 'counted' };
  assert.equal(
    await t.send(t.submission(t.alice), t.alice.address, t.bob.address, message(headers)),
    undefined,
  );
  assert.equal(
    await t.send(t.submission(t.alice), t.alice.address, 'x@reject.test', message(headers)),
    undefined,
  );
  assert.match(
    (await t.send(t.mx, 'a@reject.test', 'nobody@red.test', message(headers))) ?? '',
    /^550 5\.1\.1/,
  );
  await t.inbox(t.bob, 1);
  await t.inbox(t.alice, 1);

  const rows = documented();
  const faults: string[] = [];
  const seen = new Map<string, string[]>();
  for (const agent of AGENTS) {
    for (const { name, type, samples } of (await scrape(agent)).values()) {
      seen.set(name, [...(seen.get(name) ?? []), agent]);
      const row = rows.get(name);
      if (row === undefined) {
        faults.push(`${name} of ${agent} has no row`);
        continue;
      }
      if (row.type !== type) faults.push(`${name} is a ${type}, not a ${row.type}`);
      for (const sample of samples) {
        const labels = new Set(sample.labels.keys());
        if (!labels.delete('agent')) faults.push(`${name} of ${agent} does not say which agent it is of`);
        if (type === 'histogram') labels.delete('le');
        if (labels.size !== row.labels.size || [...labels].some((label) => !row.labels.has(label)))
          faults.push(`${name} of ${agent} has the labels ${[...labels].join(', ') || 'none'}`);
      }
    }
  }
  for (const [name, row] of rows) {
    if (row.onlyLinux && process.platform !== 'linux') continue;
    const agents = seen.get(name) ?? [];
    for (const agent of row.agents) if (!agents.includes(agent)) faults.push(`${agent} has no ${name}`);
    for (const agent of agents)
      if (!row.agents.includes(agent)) faults.push(`${name} is of ${agent} too, says the page not`);
  }
  assert.deepEqual([...new Set(faults)], []);
});

test('a message is counted where it passes', async () => {
  const sum = (families: ReadonlyMap<string, Family>, name: string, label: string, value: string): number =>
    families
      .get(name)
      ?.samples.filter((sample) => sample.labels.get(label) === value)
      .reduce((total, sample) => total + sample.value, 0) ?? Number.NaN;
  assert.ok(sum(await scrape('msa'), 'waybill_msa_messages_total', 'outcome', 'accepted') >= 2);
  assert.ok(sum(await scrape('msa'), 'waybill_sessions_total', 'door', 'submission') >= 2);
  assert.ok(sum(await scrape('mda'), 'waybill_mda_deliveries_total', 'outcome', 'stored') >= 1);
  assert.ok(sum(await scrape('mta'), 'waybill_delivery_attempts_total', 'result', 'delivered') >= 1);
  assert.ok(sum(await scrape('auth'), 'waybill_sessions_open', 'door', 'auth') >= 1);
  assert.equal(sum(await scrape('mra'), 'waybill_ready', 'agent', 'mra'), 1);
});
