import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { message, TestWorld } from './a-world.ts';

const t = await TestWorld.start();
after(() => t[Symbol.asyncDispose]());
const hello = message({ From: 'stranger@slow.test', 'Message-ID': '<hello@slow.test>' });

test('unknown-user-refused-in-session: at mx and at msa, before any content', async () => {
  assert.match((await t.send(t.mx, 'stranger@slow.test', 'nobody@blue.test', hello)) ?? '', /^550 5\.1\.1 /);
  assert.match(
    (await t.send(t.submission(t.alice), t.alice.address, 'nobody@blue.test', hello)) ?? '',
    /^550 5\.1\.1 /,
  );
});

test('relay-refused: no form of a foreign address passes mx without a login', async () => {
  const forms = [
    'somebody@elsewhere.example',
    'somebody%elsewhere.example@relay.example',
    '@red.test:somebody@elsewhere.example',
    'somebody@[127.0.0.1]',
    'somebody@elsewhere.example.',
    'SOMEBODY@ELSEWHERE.EXAMPLE',
    '"somebody@elsewhere.example"@relay.example',
    'elsewhere.example!somebody@relay.example',
    'somebody@red.test.elsewhere.example',
  ];
  for (const form of forms) {
    const answer = await t.send(t.mx, 'alice@red.test', form, hello);
    assert.match(answer ?? 'accepted', /^5(50|51|53|54|01) 5\./, form);
  }
  // Ours by domain, foreign by local part: there is no such mailbox, and it is not relayed either.
  for (const form of [
    'somebody%elsewhere.example@red.test',
    '"somebody@elsewhere.example"@red.test',
    'elsewhere.example!somebody@red.test',
  ]) {
    assert.match((await t.send(t.mx, '', form, hello)) ?? 'accepted', /^550 5\.1\.1 /, form);
  }
});

test('submission asks for a login', async () => {
  const answer = await t.send(
    { ports: [t.world.ports.msas], ca: t.ca },
    'alice@red.test',
    'bob@blue.test',
    hello,
  );
  assert.match(answer ?? 'accepted', /^530 5\.7\.0 /);
});
