/**
 * What a thousand hostile connections do to mx, and what not. Some seconds of it here, judged by ratios;
 * `node test/hostile/run.ts` takes its time, and judges the event loop's delay on a machine that does nothing else.
 */
import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { TestWorld } from '../journeys/a-world.ts';
import { besiege, BESIEGED, describe, type Figures, type SiegeOptions } from './siege.ts';

const t = await TestWorld.start({ extra: { mx: BESIEGED } });
after(() => t[Symbol.asyncDispose]());

const CONNECTIONS = 1000;

function holds(figures: Figures): void {
  assert.deepEqual(figures.refused, []);
  assert.ok(
    figures.pace > figures.paceAlone / 2,
    `${figures.pace} messages a second, alone ${figures.paceAlone}`,
  );
  // What one client makes mx do, however busy the machine: a body that is read in quadratic time shows here.
  assert.ok(
    figures.cpuPerConnection < figures.cpuPerMessage,
    `a hostile connection costs ${figures.cpuPerConnection} ms of CPU, a message ${figures.cpuPerMessage}`,
  );
  // The heap is still finding its size after some seconds, so this catches only what costs each client much; run.ts
  // prints the long course.
  const each = (figures.rss - figures.rssBefore) / CONNECTIONS;
  assert.ok(each < 512 * 1024, `RSS has grown by ${each} octets for each connection`);
}

const trials: readonly SiegeOptions[] = [
  { connections: CONNECTIONS, seconds: 7.5, settleSeconds: 5, from: 'many' },
  { connections: CONNECTIONS, seconds: 7.5, settleSeconds: 2.5, from: 'one' },
];
for (const options of trials)
  test(`a real sender gets through ${options.connections} hostile connections from ${options.from}`, async (context) => {
    const figures = await besiege(t, options);
    context.diagnostic(describe(options, figures));
    holds(figures);
  });
