import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TroubleEvent, TroubleKind } from './client/client-trouble.ts';
import { judge } from './verdict.ts';

function trouble(kind: TroubleKind, at: number): TroubleEvent {
  return { at, client: 'c', kind, moment: 'MAIL', said: 'words', session: '25#1', inFlight: 3 };
}

const STEPS = [
  { name: 'one', from: 1000, to: 2000 },
  { name: 'two', from: 2000, to: 5000 },
];

test('a goodbye at a boundary is allowed, and everything else is not', () => {
  const kinds: TroubleKind[] = [
    'goodbye',
    'goodbye-greeting',
    'goodbye-midway',
    'closed',
    'closed-midway',
    'refused',
    'temporary',
    'permanent',
    'silence',
  ];
  const [one] = judge(
    STEPS,
    kinds.map((kind) => trouble(kind, 1500)),
  );
  assert.equal(one?.allowed.size, 2);
  assert.equal(one.forbidden.size, 7);
});

test('each trouble belongs to one step, also those before the first and after the last', () => {
  const verdicts = judge(
    STEPS,
    [500, 1999, 2000, 9000].map((at) => trouble('closed', at)),
  );
  assert.deepEqual(
    verdicts.map((one) => [one.step, [...one.forbidden.values()][0]]),
    [
      ['one', 2],
      ['two', 2],
    ],
  );
});
