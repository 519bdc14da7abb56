import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namedIn } from './promql.ts';

test('metrics, labels of selectors and labels of groupings are told apart from functions and strings', () => {
  assert.deepEqual(
    namedIn(
      'sum by (way, le) (rate(a_total{way="x,y}",result=~"b|c"}[5m] offset 1h)) / on (way) group_left count(rec:b:sum) > 0.5 or vector(0)',
    ),
    {
      metrics: [
        { name: 'a_total', labels: ['way', 'result'] },
        { name: 'rec:b:sum', labels: [] },
      ],
      grouping: ['way', 'le', 'way'],
    },
  );
});

test('an aggregation may name its labels behind, a metric may stand alone or after a range of Grafana', () => {
  assert.deepEqual(namedIn('max(a) by (agent) - b unless rate(c[$__rate_interval]) == bool 1e3'), {
    metrics: [
      { name: 'a', labels: [] },
      { name: 'b', labels: [] },
      { name: 'c', labels: [] },
    ],
    grouping: ['agent'],
  });
});
