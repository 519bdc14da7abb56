/** The long siege: `node test/hostile/run.ts [--seconds 120] [--connections 1000] [--from many|one]`. Prints figures. */
import { parseArgs } from 'node:util';
import { TestWorld } from '../journeys/a-world.ts';
import { besiege, BESIEGED, describe, type SiegeOptions } from './siege.ts';

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
  process.stdout.write(`${describe(options, await besiege(t, options))}\n`);
}
