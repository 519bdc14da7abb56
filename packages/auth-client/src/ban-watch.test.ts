import assert from 'node:assert/strict';
import test from 'node:test';
import { watchBans } from './ban-watch.ts';
import { type Ban, type BanList, TRY_LATER } from './contract.ts';

const ban = (network: string, until?: string): Ban => ({
  network,
  reason: `why ${network}`,
  by: 'operator',
  ...(until === undefined ? {} : { until }),
});

/** Answers one list after the other; tells when each was asked for. */
function scripted(
  ...lists: (readonly Ban[] | typeof TRY_LATER)[]
): BanList & { asked(n: number): Promise<void> } {
  let asked = 0;
  const waiting: (() => void)[] = [];
  return {
    async bans() {
      asked++;
      for (const wake of waiting.splice(0)) wake();
      return lists[Math.min(asked, lists.length) - 1]!;
    },
    async asked(n) {
      while (asked < n) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}

test('an address in a banned network is told why, others are not', async () => {
  await using watch = watchBans(
    scripted([ban('192.0.2.0/24'), ban('2001:db8::/48'), ban('198.51.100.1/32', '2020-01-01T00:00:00Z')]),
  );
  await watch.ready;
  assert.equal(watch.reasonFor('192.0.2.9'), 'why 192.0.2.0/24');
  assert.equal(watch.reasonFor('::ffff:192.0.2.9'), 'why 192.0.2.0/24');
  assert.equal(watch.reasonFor('2001:db8:0:9::1'), 'why 2001:db8::/48');
  assert.equal(watch.reasonFor('192.0.3.9'), undefined);
  assert.equal(watch.reasonFor('198.51.100.1'), undefined, 'that one is over');
  assert.equal(watch.reasonFor('no address'), undefined);
  assert.deepEqual(watch.banOf('192.0.2.9'), { reason: 'why 192.0.2.0/24', until: Number.POSITIVE_INFINITY });
});

test('the last list holds while auth is away', async () => {
  const list = scripted([ban('192.0.2.1/32')], TRY_LATER, TRY_LATER);
  await using watch = watchBans(list, 1);
  await list.asked(3);
  assert.equal(watch.reasonFor('192.0.2.1'), 'why 192.0.2.1/32');
});

test('a lifted ban is gone with the next list', async () => {
  const list = scripted([ban('192.0.2.1/32')], []);
  await using watch = watchBans(list, 1);
  await list.asked(3);
  assert.equal(watch.reasonFor('192.0.2.1'), undefined);
});
