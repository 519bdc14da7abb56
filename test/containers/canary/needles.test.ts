import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needlesOf, search } from './needles.ts';

const VALUE = 'p/ss+w?rd-of-äther';
const NEEDLES = needlesOf([{ name: 'it', value: VALUE }]);

test('a secret is found raw, URL-encoded, and in base64 wherever it stands in it', () => {
  const hays = [
    `user=${VALUE};`,
    `postgres://u:${encodeURIComponent(VALUE)}@db/x`,
    ...['', '\0u\0', 'ab', 'abc', 'abcd'].flatMap((before) =>
      (['base64', 'base64url'] as const).map((form) => Buffer.from(`${before}${VALUE}tail`).toString(form)),
    ),
  ];
  for (const hay of hays) assert.ok(search('here', Buffer.from(hay), NEEDLES).length > 0, hay);
});

test('what is not there is not found', () => {
  assert.deepEqual(search('here', Buffer.from('p/ss+w?rd-of-ether and so on'), NEEDLES), []);
});

test('a finding tells where and what, not the secret', () => {
  const [finding] = search('a log', Buffer.from(VALUE), NEEDLES);
  assert.deepEqual(finding, { where: 'a log', secret: 'it', form: 'raw' });
});
