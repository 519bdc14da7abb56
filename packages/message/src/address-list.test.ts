import assert from 'node:assert/strict';
import { test } from 'node:test';

import { addressText, mailboxes, parseAddressList } from './address-list.ts';

const read = (text: string): string[] =>
  mailboxes(parseAddressList(text)).map(
    (a) => `${a.name ?? '-'}|${a.route ?? '-'}|${a.local}|${a.domain ?? '-'}`,
  );

test('plain, named and quoted addresses', () => {
  assert.deepEqual(read('bob@blue.test, Alice Red <alice@red.test> , "Red, A." <a@red.test>'), [
    '-|-|bob|blue.test',
    'Alice Red|-|alice|red.test',
    'Red, A.|-|a|red.test',
  ]);
});

test('dots and initials in display names', () => {
  assert.deepEqual(read('John Q. Public <j@x>, J.R.R. T <t@x>'), ['John Q. Public|-|j|x', 'J.R.R. T|-|t|x']);
});

test('quoted local parts, escapes and domain literals', () => {
  assert.deepEqual(read('"a b"@x, <"q\\"@\\\\">, <u@[192.0.2.1]>, "<e@f>"@g'), [
    '-|-|a b|x',
    '-|-|q"@\\|-',
    '-|-|u|[192.0.2.1]',
    '-|-|<e@f>|g',
  ]);
});

test('obsolete forms: routes, blanks and comments inside, empty items', () => {
  assert.deepEqual(read('<@a,@b:c@d>, e . f (x) @ g . h, , i@j (Name)'), [
    '-|@a,@b|c|d',
    'x|-|e.f|g.h',
    'Name|-|i|j',
  ]);
});

test('groups hold their members', () => {
  const list = parseAddressList('Team: a@b, C <c@d>;, e@f, undisclosed-recipients:;');
  assert.deepEqual(
    list.map((item) => ('group' in item ? [item.group, item.members.length] : addressText(item))),
    [['Team', 2], 'e@f', ['undisclosed-recipients', 0]],
  );
});

test('a missing comma hides no address', () => {
  assert.deepEqual(
    read('a@b <c@d>').map((text) => text.split('|').slice(2).join('@')),
    ['a@b', 'c@d'],
  );
  assert.deepEqual(
    read('<a@b> <c@d>').map((text) => text.split('|').slice(2).join('@')),
    ['a@b', 'c@d'],
  );
  assert.deepEqual(
    read('a@b c@d').map((text) => text.split('|').slice(2).join('@')),
    ['a@b', 'c@d'],
  );
});

test('what is no address has no domain', () => {
  assert.deepEqual(read('just words'), ['-|-|just words|-']);
  assert.deepEqual(read('"unclosed'), ['-|-|unclosed|-']);
  assert.deepEqual(read('<>, (only a comment), ,'), []);
});

test('encoded words stay as written', () => {
  assert.deepEqual(read('=?utf-8?q?M=C3=BCller?= <m@x>'), ['=?utf-8?q?M=C3=BCller?=|-|m|x']);
});

test('at most a thousand addresses are read', () => {
  assert.equal(parseAddressList('a@b,'.repeat(5000)).length, 1000);
});
