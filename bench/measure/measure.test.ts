import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCpuacctUsage, parseCpuStat } from './cgroups.ts';
import { limitOf } from './limit.ts';
import { parseMachineTimes } from './machine.ts';
import { parsePss } from './memory.ts';
import { Meter } from './meter.ts';
import { parseProcessTimes, readProcesses, treeCpuMs, treeOf } from './processes.ts';
import { median, percentile, ratios } from './statistics.ts';

const STAT = (pid: number, name: string, parent: number, times: string): string =>
  `${pid} (${name}) S ${parent} 1 1 0 -1 4194560 1 2 3 4 ${times} 20 0 1 0 100 200 300`;

test('a process’s line is read, also where its name holds brackets and spaces', () => {
  assert.deepEqual(parseProcessTimes(STAT(7, 'a) S (b', 3, '10 20 30 40')), {
    pid: 7,
    parent: 3,
    own: 30,
    reaped: 70,
  });
  assert.equal(parseProcessTimes('nonsense'), undefined);
});

test('a tree is charged for children that live and for those that ended', () => {
  const lines = [
    STAT(1, 'init', 0, '999 0 0 0'),
    STAT(2, 'master', 1, '1 1 5 5'),
    STAT(3, 'child', 2, '2 2 0 0'),
  ];
  const processes = new Map(
    lines.flatMap((line) => {
      const times = parseProcessTimes(line);
      return times === undefined ? [] : [[times.pid, times] as const];
    }),
  );
  assert.deepEqual(new Set(treeOf([2, 99], processes)), new Set([2, 3]));
  assert.equal(treeCpuMs([2], processes), 160);
});

test('our own process is among the readings, where there are any', () => {
  const processes = readProcesses();
  assert.equal(processes.size > 0, process.platform === 'linux');
  assert.equal(treeCpuMs([process.pid], processes) > 0, process.platform === 'linux');
});

test('CPU of a control group, in both versions’ words', () => {
  assert.equal(parseCpuacctUsage('1500000\n'), 1.5);
  assert.equal(parseCpuStat('usage_usec 2500\nuser_usec 1\n'), 2.5);
  assert.ok(Number.isNaN(parseCpuStat('nothing 1\n')));
});

test('the machine’s busy time leaves out idle and waiting', () => {
  const times = parseMachineTimes('cpu  10 0 20 100 50 1 2 3 0 0\ncpu0 1 2 3\n');
  assert.deepEqual(times, { busyMs: 360, totalMs: 1860 });
});

test('PSS is found among other lines', () => {
  assert.equal(parsePss('Rss:  900 kB\nPss:                 512 kB\nPss_Dirty: 1 kB\n'), 512);
  assert.equal(parsePss('Rss: 1 kB\n'), undefined);
});

test('medians and percentiles', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(median([Number.NaN, 5]), 5);
  assert.ok(Number.isNaN(median([])));
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  assert.deepEqual([percentile(hundred, 0.5), percentile(hundred, 0.95), percentile([7], 0.99)], [50, 95, 7]);
});

test('a ratio compares only what was measured in the same round', () => {
  const ours = new Map([
    [1, 10],
    [2, 30],
    [3, 5],
  ]);
  const theirs = new Map([
    [1, 5],
    [2, 10],
  ]);
  assert.deepEqual(ratios(ours, theirs, 'more'), { median: 2.5, min: 2, max: 3 });
  assert.equal(ratios(new Map([[1, 2]]), new Map([[1, 8]]), 'less').median, 4);
});

test('the limit is the machine first, then a busy thread, then the load client, then none', () => {
  const load = { processes: new Map([['mx-1', 0.95]]), client: 0.3, machine: 1.2, machineCores: 2 };
  const three = new Map([...load.processes, ['postgres', 0.6]]);
  assert.match(
    limitOf({ ...load, processes: three, machine: 1.9 }),
    /^the machine: 1\.9 of 2 cores busy \(mx-1 0\.95/,
  );
  assert.match(limitOf({ ...load, machine: 1.9 }), /^not known: others on this machine took 0\.6/);
  assert.match(limitOf(load), /^mx-1: its one thread is busy/);
  assert.match(
    limitOf({ ...load, processes: new Map([['postgres', 0.95]]), client: 0.9 }),
    /^the load client/,
  );
  assert.match(limitOf({ ...load, processes: new Map([['mx-1', 0.2]]) }), /^no CPU/);
});

test('a part whose main process is another one at the end is told', () => {
  let pid = process.pid;
  const meter = new Meter([{ label: 'one', roots: () => [pid], cpuMs: () => 1 }], 'test', undefined);
  const end = meter.begin();
  pid = process.ppid;
  assert.deepEqual(end().restarted, ['one']);
});
