import assert from 'node:assert/strict';
import test from 'node:test';
import type { Claimed } from '@waybill/spool';
import { Leases } from './leases.ts';
import { Runner } from './runner.ts';

const quiet = (): void => undefined;

/** A runner whose attempts end when they are let go; claims are always full. */
function busyRunner(): { runner: Runner; begun: Promise<void>; letGo: () => void } {
  const { promise: gone, resolve: letGo } = Promise.withResolvers<'well'>();
  const { promise: begun, resolve: setBegun } = Promise.withResolvers<void>();
  let claims = 0;
  const leases = new Leases({ renew: () => Promise.resolve([]), keep: () => Promise.resolve() }, quiet);
  leases[Symbol.dispose]();
  const runner = new Runner({
    spool: {
      claim: (destination, limit) => {
        if (claims++ > 0) return Promise.resolve([]);
        // eslint-disable-next-line typescript/no-unsafe-type-assertion
        return Promise.resolve(
          Array.from({ length: limit }, (_, i) => ({ destination, spoolId: `${i}` }) as Claimed),
        );
      },
      release: () => Promise.resolve(),
    },
    leases,
    // eslint-disable-next-line typescript/no-unsafe-type-assertion
    events: { trouble: quiet, held: quiet } as never,
    owner: 'mta-1',
    localInFlight: 4,
    remoteInFlight: 4,
    destinations: 4,
    schedule: [1],
    attempt: () => {
      setBegun();
      return gone;
    },
  });
  return { runner, begun, letGo: () => letGo('well') };
}

test('a kick of local delivery is passed on while its mail is still in hand: the next one may go to another replica', async () => {
  const { runner, begun, letGo } = busyRunner();
  const turn = runner.turn('local/0');
  await begun;
  await turn;
  assert.equal(runner.active, 1);
  letGo();
  await runner.stop();
  assert.equal(runner.active, 0);
});

test('a foreign destination keeps its kick: two replicas would speak to it at the same time', async () => {
  const { runner, begun, letGo } = busyRunner();
  let over = false;
  const turn = runner.turn('far.test').then(() => (over = true));
  await begun;
  await runner.turn('local/1');
  assert.equal(over, false);
  letGo();
  await turn;
  await runner.stop();
});
