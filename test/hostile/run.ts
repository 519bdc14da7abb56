/**
 * The long siege, on a machine that does nothing else: `node test/hostile/run.ts [--seconds 120] [--connections 1000]
 * [--from many|one]`. Prints figures; exit code 1 when mx did not hold.
 */
import { parseArgs } from 'node:util';
import { TestWorld } from '../journeys/a-world.ts';
import { besiege, BESIEGED, describe, type Figures, type SiegeOptions } from './siege.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    connections: { type: 'string', default: '1000' },
    from: { type: 'string' },
  },
});
await using t = await TestWorld.start({ extra: { mx: BESIEGED } });
for (const from of ['many', 'one'] as const) {
  if (values.from !== undefined && values.from !== from) continue;
  const options: SiegeOptions = {
    connections: Number(values.connections),
    seconds: Number(values.seconds),
    settleSeconds: 40,
    from,
  };
  const figures = await besiege(t, options);
  process.stdout.write(`${describe(options, figures)}\n`);
  const fault = faultOf(figures);
  if (fault === undefined) continue;
  process.stdout.write(`  NOT HELD: ${fault}\n`);
  process.exitCode = 1;
}

function faultOf(figures: Figures): string | undefined {
  if (figures.refused.length > 0) return `the real sender was refused: ${figures.refused[0]}`;
  if (figures.lag >= 50) return `event loop p99 ${figures.lag.toFixed(1)} ms, not below 50`;
  const growth = figures.rss / figures.rssFull - 1;
  if (Math.abs(growth) > 0.1)
    return `RSS changed by ${(growth * 100).toFixed(0)} % under the attack, more than 10 %`;
  return undefined;
}
