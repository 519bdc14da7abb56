import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { message, TestWorld } from './a-world.ts';

const t = await TestWorld.start();
after(() => t[Symbol.asyncDispose]());

const submit = (to: string, id: string): Promise<string | undefined> =>
  t.send(
    t.submission(t.alice),
    t.alice.address,
    to,
    message(
      { From: 'alice@red.test', To: to, Subject: `About ${id}`, 'Message-ID': `<${id}@red.test>` },
      'The original text.',
    ),
  );

/** Long fields come folded (RFC 5322 §2.2.3). */
const unfold = (text: string): string => text.replaceAll('\r\n ', ' ').replaceAll('\r\n\t', ' ');

test('a refusal outside comes home as one report in three parts', async () => {
  assert.equal(await submit('nobody@reject.test', 'rejected'), undefined);
  const report = unfold((await t.inbox(t.alice, 1))[0] ?? '');
  assert.match(report, /^Return-Path: <>\r\n/);
  assert.match(report, /Content-Type: multipart\/report;[^]*report-type="?delivery-status/);
  assert.match(report, /Content-Type: text\/plain/);
  assert.match(report, /Content-Type: message\/delivery-status[^]*Reporting-MTA: dns; ?mta\.red\.test/);
  assert.match(
    report,
    /Final-Recipient: rfc822; ?nobody@reject\.test\r\nAction: failed\r\nStatus: 5\.1\.1\r\n/,
  );
  assert.match(report, /Diagnostic-Code: smtp; ?550 5\.1\.1 <nobody@reject\.test>: nobody of that name here/);
  assert.match(
    report,
    /Content-Type: message\/rfc822[^]*Message-ID: <rejected@red\.test>[^]*The original text\./,
  );
  const view = await t.journey('<rejected@red.test>', (one) => one.reports.length > 0);
  // The sender, who gets the report, is no recipient of this message.
  assert.deepEqual(
    view.recipients.map((one) => [one.address, one.state]),
    [['nobody@reject.test', 'returned']],
  );
});

test('a domain that takes no mail is reported at once, without an attempt', async () => {
  const before = (await t.inbox(t.alice)).length;
  assert.equal(await submit('nobody@nullmx.test', 'nullmx'), undefined);
  const inbox = await t.inbox(t.alice, before + 1);
  assert.match(inbox.at(-1) ?? '', /Status: 5\.1\.10\r\n/);
});

test('a domain whose DNS is broken waits, and says until when', async () => {
  assert.equal(await submit('somebody@servfail.test', 'servfail'), undefined);
  const view = await t.journey('<servfail@red.test>', (one) =>
    one.steps.some((step) => step.kind === 'queue.defer'),
  );
  const [rcpt] = view.recipients;
  assert.ok(
    rcpt?.state === 'waiting' || rcpt?.state === 'queued' || rcpt?.state === 'being tried',
    rcpt?.state,
  );
});

test('a host that says 451 first gets the message on a later attempt', async () => {
  assert.equal(await submit('patient@slow.test', 'slow'), undefined);
  const view = await t.journey(
    '<slow@red.test>',
    // The spool knows of the success before the event of it is written.
    (one) => one.steps.some((step) => step.kind === 'attempt.end' && step.status === 'ok'),
  );
  assert.equal(view.recipients[0]?.attempts, 2);
  assert.ok(
    view.steps.some((step) => step.kind === 'queue.defer' && step.summary.startsWith('next attempt in ')),
  );
  const [first] = view.steps.filter((step) => step.kind === 'attempt.end');
  assert.deepEqual([first?.status, first?.code], ['temporary', 451]);
});

test('a null sender is never answered', async () => {
  const before = (await t.inbox(t.alice)).length;
  const receipt = message({ From: 'alice@red.test', To: 'x@reject.test', 'Message-ID': '<null@red.test>' });
  assert.equal(await t.send(t.submission(t.alice), '', 'x@reject.test', receipt), undefined);
  await t.journey(
    '<null@red.test>',
    (one) => one.recipients[0]?.state === 'returned' || one.recipients[0]?.state === 'discarded',
  );
  await t.world.quiet();
  assert.equal((await t.inbox(t.alice)).length, before);
});
