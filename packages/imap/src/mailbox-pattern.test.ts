import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchMailbox } from './mailbox-pattern.ts';

/** The definition, exponential and plainly right. */
function matches(pattern: string, name: string): boolean {
  if (pattern === '') return name === '';
  const [step, rest] = [pattern[0], pattern.slice(1)];
  if (step !== '*' && step !== '%') return step === name[0] && matches(rest, name.slice(1));
  for (let taken = 0; taken <= name.length; taken += 1) {
    if (step === '%' && name.slice(0, taken).includes('/')) return false;
    if (matches(rest, name.slice(taken))) return true;
  }
  return false;
}

test('% stops at the delimiter, * does not', () => {
  assert.equal(matchMailbox('%', 'Work'), true);
  assert.equal(matchMailbox('%', 'Work/2024'), false);
  assert.equal(matchMailbox('*', 'Work/2024'), true);
  assert.equal(matchMailbox('W%/%4', 'Work/2024'), true);
  assert.equal(matchMailbox('', 'Work'), false);
});

test('INBOX is matched in any case, other names are not', () => {
  assert.equal(matchMailbox('inb%', 'INBOX'), true);
  assert.equal(matchMailbox('inbox/a', 'INBOX/a'), true);
  assert.equal(matchMailbox('inbox/A', 'INBOX/a'), false);
  assert.equal(matchMailbox('work', 'Work'), false);
});

test('matches what the definition matches', () => {
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '%', '*'), maxLength: 8 });
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 8 });
  fc.assert(
    fc.property(pattern, name, (wild, plain) => {
      assert.equal(matchMailbox(wild, plain), matches(wild, plain));
    }),
    { numRuns: 5_000 },
  );
});

test('a pattern of many wildcards needs no more work than pattern times name', () => {
  const start = performance.now();
  for (let round = 0; round < 20; round += 1) {
    assert.equal(matchMailbox(`${'%a'.repeat(400)}b`, 'a'.repeat(1_000)), false);
    assert.equal(matchMailbox(`${'*a'.repeat(400)}b`, 'a'.repeat(1_000)), false);
  }
  // With backtracking this would take longer than the world has existed.
  assert.ok(performance.now() - start < 5_000);
});
