import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Results, RowResult, Sample } from './results.ts';
import { cpuTable, rateTable, renderTables, round3, scalingTable } from './table.ts';

function sample(round: number, seconds: number, cpu: number | null, more: Partial<Sample> = {}): Sample {
  return {
    round,
    done: 100,
    octets: 0,
    seconds,
    allSeconds: seconds * 2,
    latencyMs: { p50: 1, p95: 2, p99: 3 },
    cpuMs: { one: cpu, two: cpu },
    clientCpuMs: 0.1,
    clientBusy: 0.2,
    foreign: 0,
    faults: {},
    ...more,
  };
}

function row(ours: readonly Sample[], theirs: readonly Sample[]): RowResult {
  return { id: 'deliver-5k', title: 'mail', unit: 'message', samples: { Waybill: ours, Other: theirs } };
}

test('rates are told with the median, the extremes, and the ratio of each round', () => {
  const rows = [
    row(
      [sample(1, 1, 1), sample(2, 2, 1), sample(3, 4, 1)],
      [sample(1, 2, 1), sample(2, 4, 1), sample(3, 8, 1)],
    ),
  ];
  const text = rateTable(rows, 'Other');
  assert.match(
    text,
    /mail: accepted \| 50\.0 \(25\.0–100\) .* \| 25\.0 \(12\.5–50\.0\) .* \| \*\*2\.00\*\* \|/,
  );
  assert.match(text, /mail: delivered \| 25\.0 \(12\.5–50\.0\)/);
});

test('CPU is the sum of the parts, and the ratio is for whom takes less', () => {
  const text = cpuTable([row([sample(1, 1, 0.5)], [sample(1, 1, 2)])], 'Other');
  assert.match(text, /mail, per message \| 1\.00 \| 4\.00 \| \*\*4\.00\*\* \|/);
});

test('CPU of which a part is not known is not told', () => {
  const text = cpuTable([row([sample(1, 1, null)], [sample(1, 1, 2)])], 'Other');
  assert.match(text, /mail, per message \| – \| 4\.00 \| – \|/);
});

test('a sample with a fault is in no median, and its fault is told', () => {
  const bad = sample(2, 0.001, 0, { faults: { 'the mailboxes hold 99 messages, not 100': 1 } });
  const results: Results = {
    date: '2030-01-02',
    mode: 'quick',
    rounds: 2,
    machine: { system: 'Linux x64', kernel: '7', cores: 2, memoryGb: 4, processor: 'P', node: '24' },
    targets: [{ name: 'Waybill', versions: { Waybill: '1' }, settings: ['as shipped'], cpu: 'cgroup' }],
    missing: ['NOT FOUND: dovecot'],
    rows: [row([sample(1, 1, 1), bad], [])],
    footprint: [],
    scaling: [],
  };
  const text = renderTables(results);
  assert.match(text, /mail: accepted \| 100 \|/);
  assert.match(text, /- deliver-5k, Waybill, round 2: the mailboxes hold 99 messages, not 100 \(1\)/);
  assert.match(text, /NOT FOUND: dovecot/);
});

test('a load client at its limit and a busy machine are marked', () => {
  const text = rateTable(
    [row([sample(1, 1, 1, { clientBusy: 0.99, foreign: 0.3 })], [sample(1, 1, 1)])],
    'Other',
  );
  assert.match(text, /mail: accepted \| 100 \| 1\.00 \/ 2\.00 \| cn \| 100 \| 1\.00 \/ 2\.00 \|  \|/);
});

test('replicas are set against one', () => {
  const step = (replicas: number, rate: number) => ({
    agent: 'mx',
    replicas,
    what: 'mail',
    rate,
    cores: { 'mx-1': 0.5, postgres: 1 },
    clientCores: 0.1,
    machineCores: 2,
    limit: 'the machine',
    faults: {},
  });
  const text = scalingTable([step(1, 100), step(2, 150)]);
  assert.match(text, /mx: mail \| 1 \| 100 \| 1\.00× \| 0\.50 \| the machine/);
  assert.match(text, /mx: mail \| 2 \| 150 \| 1\.50× \|/);
});

test('three digits, whatever the size', () => {
  assert.deepEqual([12_345, 123.4, 1.234, 0.012_34, 0, Number.NaN].map(round3), [
    '12345',
    '123',
    '1.23',
    '0.0123',
    '0',
    '–',
  ]);
});
