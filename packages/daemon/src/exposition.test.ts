import assert from 'node:assert/strict';
import test from 'node:test';
import { parseExposition } from './exposition.ts';
import { Metrics } from './metrics.ts';

test('what our own /metrics says is read back: names, types, labels, values', async () => {
  const metrics = new Metrics('mx');
  metrics.buildInfo('0.2.0', 'a "quoted", name\\');
  metrics.counter('things', 'Things', ['kind']).inc({ kind: 'x' }, 3);
  metrics.door('smtp', { open: 2, accepted: 7 }, { open: 1, accepted: 1 });
  metrics.counter('never', 'Never counted', ['kind']);
  for (let scrape = 0; scrape < 2; scrape++) {
    const families = parseExposition(await metrics.registry.metrics());
    const sample = (name: string): unknown[] | undefined => {
      const found = families.get(name)?.samples[0];
      return found && [Object.fromEntries(found.labels), found.value];
    };
    assert.deepEqual(sample('waybill_build_info'), [
      { version: '0.2.0', instance: 'a "quoted", name\\', agent: 'mx' },
      1,
    ]);
    assert.deepEqual(sample('waybill_things_total'), [{ kind: 'x', agent: 'mx' }, 3]);
    assert.deepEqual(sample('waybill_sessions_open'), [{ door: 'smtp', agent: 'mx' }, 3]);
    // Counts that are kept elsewhere are told as they are, however often one asks.
    assert.deepEqual(sample('waybill_sessions_total'), [{ door: 'smtp', agent: 'mx' }, 8]);
    assert.equal(families.get('waybill_never_total')?.type, 'counter');
    assert.equal(sample('waybill_never_total'), undefined);
  }
});

test('lines that are no samples are passed over', () => {
  const families = parseExposition('x 1\n# TYPE a gauge\na{b="c\n\na{} 2\n}\na NaN\na +Inf');
  assert.deepEqual(
    families.get('a')?.samples.map(({ value }) => value),
    [2, Number.NaN, Infinity],
  );
});
