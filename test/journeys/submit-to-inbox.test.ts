import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { message, TestWorld } from './a-world.ts';

const t = await TestWorld.start();
after(() => t[Symbol.asyncDispose]());

test('what alice submits bob reads, octet for octet, and the journey names every hop', async () => {
  const text =
    'Lunch?\n.a line that begins with a dot\n..and two\n\n  trailing space \n\u00e4\u00f6\u00fc as they came\n'.replace(
      '\n\n',
      '\n \n',
    );
  const refused = await t.send(
    t.submission(t.alice),
    t.alice.address,
    t.bob.address,
    message(
      {
        From: 'Alice <alice@red.test>',
        To: 'bob@blue.test',
        Bcc: 'secret@red.test',
        Subject: 'Lunch',
        'Message-ID': '<lunch@red.test>',
        'X-Odd': 'folded\n\tvalue  ',
      },
      text,
    ).replaceAll(/^\./gm, '..'),
  );
  assert.equal(refused, undefined);
  const [received = ''] = await t.inbox(t.bob, 1);
  const at = received.indexOf('\r\n\r\n');
  const [head, body] = [received.slice(0, at), received.slice(at + 4)];
  assert.equal(body, `${text}\n`.replaceAll('\n', '\r\n'));
  assert.match(head, /^Return-Path: <alice@red\.test>\r\nDelivered-To: bob@blue\.test\r\n/);
  assert.match(head, /\r\nX-Odd: folded\r\n\tvalue {2}\r\n|\r\nX-Odd: folded\r\n\tvalue {2}$/);
  assert.doesNotMatch(head, /Bcc|secret/);
  assert.match(head, /\r\nDate: /);
  assert.equal(head.match(/^Received: /gm)?.length, 2, 'msa and mx each wrote one trace field');

  const view = await t.journey('<lunch@red.test>', (one) =>
    one.steps.some((step) => step.agent === 'mda' && step.kind === 'store.append'),
  );
  const agents = view.steps.map((step) => step.agent).filter((agent, i, all) => agent !== all[i - 1]);
  assert.equal(view.ids.length, 2, 'the id before port 25 and the id after it are joined');
  const order = ['msa', 'mta', 'mx', 'mda'].map((agent) => agents.indexOf(agent));
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
    `hops in order: ${agents.join(' ')}`,
  );
  assert.ok(
    order.every((at) => at >= 0),
    agents.join(' '),
  );
  assert.deepEqual(
    view.recipients.map((one) => [one.address, one.state]),
    [['bob@blue.test', 'delivered']],
  );
});

test('a writer cannot use an address that is not theirs', async () => {
  const asBob = message({ From: 'bob@blue.test', To: 'bob@blue.test', 'Message-ID': '<forged@red.test>' });
  assert.match(
    (await t.send(t.submission(t.alice), t.bob.address, t.bob.address, asBob)) ?? '',
    /^5\d\d 5\.7\.1 /,
  );
  assert.match(
    (await t.send(t.submission(t.alice), t.alice.address, t.bob.address, asBob)) ?? '',
    /^5\d\d 5\.7\.1 /,
  );
});

test('a read receipt has a null sender and an owned From', async () => {
  const receipt = message({
    From: 'alice@red.test',
    To: 'bob@blue.test',
    Subject: 'Read',
    'Message-ID': '<receipt@red.test>',
  });
  assert.equal(await t.send(t.submission(t.alice), '', t.bob.address, receipt), undefined);
  const inbox = await t.inbox(t.bob, 2);
  assert.match(inbox.at(-1) ?? '', /^Return-Path: <>\r\n/);
});
