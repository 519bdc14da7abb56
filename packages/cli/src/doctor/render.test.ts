import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changes } from './changes.ts';
import { allGood, CHECKS, type Result } from './check-table.ts';
import { renderReport, wantsColour } from './render.ts';

const good: Result = {
  id: 'MX-1',
  title: 'The domain has an MX',
  level: 'required',
  verdict: 'ok',
  means: '`mail.red.test`.',
  evidence: [],
  notes: [],
};
const bad: Result = {
  ...good,
  verdict: 'fix',
  means: 'none\u001B]0;owned\u0007',
  fix: {
    text: 'Add it.',
    publish: [{ name: 'red.test', type: 'MX', priority: 10, value: 'mail.red.test' }],
    remove: [],
  },
};
const report = (...results: Result[]): Parameters<typeof renderReport>[0] => ({
  domain: 'red.test',
  host: 'mail.red.test',
  addresses: [],
  asked: [],
  results,
});

test('colours are for terminals whose owner did not say NO_COLOR', () => {
  assert.ok(wantsColour({}, true));
  assert.ok(wantsColour({ NO_COLOR: '' }, true));
  assert.ok(!wantsColour({ NO_COLOR: '0' }, true));
  assert.ok(!wantsColour({ TERM: 'dumb' }, true));
  assert.ok(!wantsColour({}, false));
  assert.ok(renderReport(report(bad), true).includes('\u001B[31mFIX \u001B[0m MX-1'));
  assert.ok(!renderReport(report(bad), false).includes('\u001B'));
});

test('what came from the network is no command to a terminal', () => {
  assert.match(renderReport(report(bad), true), /none\]0;owned\n/);
});

test('a reason is told once where several checks fail to tell for it', () => {
  const dark: Result = { ...good, id: 'DKIM-1', verdict: 'cannot tell', means: 'no keys' };
  const text = renderReport(report(dark, { ...dark, id: 'DKIM-2' }), false);
  assert.equal(text.split('no keys').length, 2);
  assert.match(text, /^\? {4}DKIM-2 {3}likewise$/m);
});

test('all is good when nothing is to do; what cannot be told is nothing to do', () => {
  assert.ok(allGood([good, { ...good, verdict: 'cannot tell' }]));
  assert.ok(!allGood([good, { ...good, verdict: 'warn' }]));
});

test('a change is another verdict or reason, not the seconds of a cache', () => {
  const note = (left: string): Result => ({ ...good, notes: [`the old one is cached up to ${left}: x`] });
  assert.deepEqual(changes([note('41 min')], [note('40 min')]), []);
  assert.equal(changes([good], [bad]).length, 1);
  assert.equal(changes([note('41 min')], [good]).length, 1);
});

test('each check has an id of its own, and those that operators know are there', () => {
  const ids = CHECKS.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const wanted = [
    'HOST-1',
    'HOST-2',
    'PTR-1',
    'DMARC-1',
    'MX-1',
    'MX-2',
    'MX-3',
    'MX-4',
    'MX-5',
    'MX-6',
  ].concat(['SPF', 'DKIM', 'NET'].flatMap((name) => [1, 2, 3, 4].map((n) => `${name}-${n}`)));
  assert.deepEqual(
    wanted.filter((id) => !ids.includes(id)),
    [],
  );
});
