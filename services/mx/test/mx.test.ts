import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSmtpHost } from '@waybill/lab';
import { Handoff } from '@waybill/smtp/client';
import { localDestination } from '@waybill/spool';
import { handoffCustody } from '@waybill/custody';
import { startWorld } from './stub-world.ts';

const HELLO = `
  S: 220 mx.blue.test ESMTP Waybill
  C: EHLO client.red.test
  S: ...
  S: 250 DSN`;

const send = (recipients: readonly string[], ...message: string[]): string => `
  C: MAIL FROM:<alice@red.test>
  S: 250 2.1.0 ...
  ${recipients.map((one) => `C: RCPT TO:<${one}>\nS: 250 2.1.5 Recipient taken`).join('\n')}
  C: DATA
  S: 354 ...
  ${message.map((line) => `C: ${line}`).join('\n')}
  C: .`;

test('a message for a mailbox of ours is committed, then said to be queued, then kicked', async () => {
  await using world = await startWorld();
  const values = await world.play(`${HELLO}
    ${send(['bob@blue.test'], 'Message-ID: <1@red.test>', 'Subject: hello', '', '..x')}
    S: 250 2.0.0 queued as {id}
    C: QUIT
    S: 221 ...`);
  const [draft] = world.drafts;
  assert.ok(draft !== undefined);
  assert.equal(draft.id, values.get('id'));
  assert.deepEqual(draft.recipients, [
    { address: 'bob@blue.test', notify: 0, destination: localDestination('7'), accountId: '7' },
  ]);
  assert.equal(draft.returnPath, 'alice@red.test');
  assert.equal(draft.origin, 'mx');
  assert.equal(draft.hops, 1);
  const text = draft.message.toString('latin1');
  const end = text.indexOf('Message-ID');
  assert.match(
    text.slice(0, end).replaceAll(/\r\n[ \t]/g, ' '),
    new RegExp(
      `^Authentication-Results: mx\\.blue\\.test; .*\\r\\nReceived: from client\\.red\\.test \\(\\[127\\.0\\.0\\.1\\]\\) by mx\\.blue\\.test with ESMTP id ${draft.id} for <bob@blue\\.test>; .* \\+0000\\r\\n$`,
    ),
  );
  assert.equal(text.slice(end), 'Message-ID: <1@red.test>\r\nSubject: hello\r\n\r\n.x\r\n');
  assert.deepEqual(world.kicks, [localDestination('7')]);
  assert.deepEqual(world.events, [`accepted ${draft.id} <1@red.test>`]);
});

test('the recipient is known before DATA, and nobody else’s mail is taken', async () => {
  await using world = await startWorld();
  await world.play(`${HELLO}
    C: MAIL FROM:<>
    S: 250 2.1.0 ...
    C: RCPT TO:<nobody@blue.test>
    S: 550 5.1.1 No such recipient here
    C: RCPT TO:<someone@elsewhere.test>
    S: 550 5.7.1 Relaying denied
    C: RCPT TO:<someone%elsewhere.test@blue.test>
    S: 550 5.1.1 ...
    C: RCPT TO:<"someone@elsewhere.test"@blue.test>
    S: 550 5.1.1 ...
    C: RCPT TO:<@blue.test:someone@elsewhere.test>
    S: 550 5.7.1 ...
    C: RCPT TO:<someone@[192.0.2.1]>
    S: 550 5.7.1 ...
    C: RCPT TO:<later@blue.test>
    S: 451 4.3.0 ...
    C: DATA
    S: 554 5.5.1 No valid recipients`);
  assert.deepEqual(world.drafts, []);
  await world[Symbol.asyncDispose]();
  assert.equal(world.events.at(-1), 'transcript of nothing');
});

test('our own host name and an address literal may be mail domains', async () => {
  await using world = await startWorld();
  await world.play(`${HELLO}
    ${send(['bob@MX.blue.test', 'bob@[127.0.0.1]', 'PostMaster'], 'x')}
    S: 250 2.0.0 queued as ...`);
  assert.deepEqual(
    world.drafts[0]?.recipients.map(({ address, accountId }) => [address, accountId]),
    [
      ['bob@mx.blue.test', '7'],
      ['carol@blue.test', '8'],
    ],
  );
});

test('recipients that lead to one mailbox become one delivery', async () => {
  await using world = await startWorld();
  await world.play(`${HELLO}
    ${send(['bob@blue.test', 'team@blue.test', 'bob+tag@blue.test', 'team@blue.test'], 'x')}
    S: 250 2.0.0 queued as ...`);
  const recipients = world.drafts[0]?.recipients ?? [];
  assert.deepEqual(
    recipients.map(({ address, destination, orcpt }) => [address, destination, orcpt]),
    [
      ['bob@blue.test', localDestination('7'), undefined],
      ['carol@blue.test', localDestination('8'), 'rfc822;team@blue.test'],
      ['guest@elsewhere.test', 'elsewhere.test', 'rfc822;team@blue.test'],
    ],
  );
  assert.deepEqual(
    world.kicks.toSorted(),
    [...new Set(recipients.map(({ destination }) => destination))].toSorted(),
  );
  assert.ok(
    !world.drafts[0]?.message.toString('latin1').includes(' for <'),
    'several recipients: none is named',
  );
});

test('a domain with its own LMTP server is routed by its name', async () => {
  await using world = await startWorld();
  await world.play(`${HELLO}
    ${send(['dora@dovecot.test'], 'x')}
    S: 250 2.0.0 queued as ...`);
  assert.deepEqual(world.drafts[0]?.recipients, [
    { address: 'dora@dovecot.test', notify: 0, destination: 'dovecot.test' },
  ]);
});

test('DSN parameters go into the spool', async () => {
  await using world = await startWorld();
  await world.play(`${HELLO}
    C: MAIL FROM:<alice@red.test> RET=HDRS ENVID=abc+2B1
    C: RCPT TO:<bob@blue.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b@old.test
    C: DATA
    S: 250 ...
    S: 250 ...
    S: 354 ...
    C: x
    C: .
    S: 250 2.0.0 ...`);
  const [draft] = world.drafts;
  assert.equal(draft?.ret, 'HDRS');
  assert.equal(draft.envid, 'abc+1');
  assert.equal(draft.recipients[0]?.notify, 6);
  assert.equal(draft.recipients[0]?.orcpt, 'rfc822;b@old.test');
});

test('a message that came through fifty hosts goes in circles', async () => {
  await using world = await startWorld();
  const received = Array.from({ length: 50 }, () => 'Received: from a by b; Tue, 24 Nov 2026 11:00:00 +0000');
  await world.play(`${HELLO}
    ${send(['bob@blue.test'], ...received, '', 'x')}
    S: 554 5.4.6 ...
    ${send(['bob@blue.test'], ...received.slice(1), '', 'x')}
    S: 250 2.0.0 ...`);
  assert.equal(world.drafts[0]?.hops, 50);
});

test('without the commit there is no 250', async () => {
  await using world = await startWorld();
  world.spoolFails = true;
  await world.play(`${HELLO}
    ${send(['bob@blue.test'], 'x')}
    S: 451 4.3.0 The message could not be kept, try again later`);
  assert.deepEqual(world.kicks, []);
  assert.deepEqual(world.events, ['not kept: the database is away']);
});

test('white space that begins a message cannot fold into the trace field', async () => {
  await using world = await startWorld();
  await world.play(`${HELLO}
    C: MAIL FROM:<>
    C: RCPT TO:<bob@blue.test>
    C: DATA
    S: ...
    S: 354 ...
    C raw: " evil\\r\\n.\\r\\n"
    S: 250 2.0.0 ...`);
  assert.match(world.drafts[0]?.message.toString('latin1') ?? '', /\+0000\r\n\r\n evil\r\n$/);
});

test('a message of any octets leaves as it came', async () => {
  await using world = await startWorld();
  const octets = Buffer.from(
    Array.from({ length: 256 }, (_, i) => i).filter((i) => i !== 0 && i !== 10 && i !== 13),
  );
  const body = `X: ${octets.toString('latin1')}\r\n\r\n${octets.toString('latin1')}\r\n`;
  await world.play(`${HELLO}
    C: MAIL FROM:<alice@red.test> BODY=8BITMIME
    C: RCPT TO:<bob@blue.test>
    C: DATA
    S: ...
    S: 354 ...
    C raw: ${JSON.stringify(`${body}.\r\n`)}
    S: 250 2.0.0 ...`);
  const text = world.drafts[0]?.message.toString('latin1') ?? '';
  assert.equal(text.slice(text.indexOf('X: ')), body);
});

test('handed on: what is ours is decided here, where it goes there', async () => {
  await using next = await startSmtpHost();
  const handoff = new Handoff({
    hop: { places: `127.0.0.1:${next.port}`, kind: 'foreign' },
    helloName: 'mx.blue.test',
    credentials: undefined,
  });
  await using world = await startWorld(100_000, handoffCustody(handoff));
  await world.play(`${HELLO}
    C: MAIL FROM:<a@red.test>
    S: 250 ...
    C: RCPT TO:<x@else.test>
    S: 550 5.7.1 ...
    C: RCPT TO:<who@blue.test>
    S: 550 5.1.1 ...
    C: RSET
    S: 250 ...
    ${send(['team@blue.test', 'postmaster', 'dora@dovecot.test'], 'Subject: x', '', 'x')}
    S: 250 2.0.0 queued as {id}`);
  handoff.close();
  assert.deepEqual(next.messages[0]?.rcpts, [
    'RCPT TO:<team@blue.test>',
    'RCPT TO:<carol@blue.test>',
    'RCPT TO:<dora@dovecot.test>',
  ]);
  assert.deepEqual(world.drafts, []);
});
