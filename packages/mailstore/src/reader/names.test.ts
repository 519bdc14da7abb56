import assert from 'node:assert/strict';
import test from 'node:test';
import { checkedKeywords } from './keywords.ts';
import { parentsOf, storedName } from './names.ts';
import { expandMultirange, expandUidSet } from './uid-sets.ts';

test('INBOX is itself in any case, also above its inferiors; elsewhere it is a name like any other', () => {
  assert.equal(storedName('inbox'), 'INBOX');
  assert.equal(storedName('iNbOx/a/'), 'INBOX/a');
  assert.equal(storedName('inboxes'), 'inboxes');
  assert.equal(storedName('a/inbox'), 'a/inbox');
});

test('the parents of a name are all above it, outermost first', () => {
  assert.deepEqual(parentsOf('a/b/c'), ['a', 'a/b']);
  assert.deepEqual(parentsOf('a'), []);
});

test('sets and ranges are read as ascending numbers', () => {
  assert.deepEqual(expandUidSet('3:5,9'), [3, 4, 5, 9]);
  assert.deepEqual(expandUidSet(''), []);
  assert.deepEqual(expandMultirange('{[3,6),[9,10)}'), [3, 4, 5, 9]);
  assert.deepEqual(expandMultirange('{}'), []);
  assert.deepEqual(expandMultirange(null), []);
});

test('keywords are each one whatever their case, in the order of their letters', () => {
  assert.deepEqual(checkedKeywords(['b', 'A', 'B']), ['A', 'b']);
  assert.throws(() => checkedKeywords(['a b']), RangeError);
});
