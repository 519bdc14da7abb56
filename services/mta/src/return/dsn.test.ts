import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstValue, headerFields, parseAddressList } from '@waybill/message';
import { composeReport, type ReportFacts } from './dsn.ts';

const facts: ReportFacts = {
  hostname: 'mta.red.test',
  sender: 'a@red.test',
  journeyId: 'j-1',
  envid: 'env',
  ret: null,
  arrivedAt: new Date(0),
  now: new Date(1000),
  failed: [
    {
      address: 'b@x.test',
      orcpt: 'rfc822;B@x.test',
      status: '5.1.1',
      diagnostic: '550 5.1.1 nobody',
      remoteHost: 'mx.x.test',
      mayHaveArrived: false,
    },
    {
      address: 'ü@x.test',
      orcpt: null,
      status: '4.4.7',
      diagnostic: `451 4.4.1 ${'long '.repeat(60)}`,
      mayHaveArrived: true,
    },
  ],
  original: Buffer.from('Subject: secret\r\n\r\nbody\r\n'),
  fullLimit: 1000,
};

function parts(report: Buffer): string[] {
  const text = report.toString('utf8');
  const boundary = /boundary="([^"]+)"/.exec(text)?.[1] ?? '';
  return text.split(`--${boundary}`).slice(1, -1);
}

test('a report has a part for people, one for programs, and the message', () => {
  const report = composeReport(facts);
  assert.match(report.toString(), /^Content-Type: multipart\/report; report-type=delivery-status;/m);
  assert.match(report.toString(), /^Auto-Submitted: auto-replied\r$/m);
  const [people, programs, original, ...more] = parts(report);
  assert.equal(more.length, 0);
  assert.match(people ?? '', /<b@x\.test>\r\n +mx\.x\.test said: 550 5\.1\.1 nobody/);
  assert.match(people ?? '', /may have been delivered/);
  assert.match(programs ?? '', /Reporting-MTA: dns; mta\.red\.test\r\nOriginal-Envelope-Id: env\r\n/);
  assert.match(
    programs ?? '',
    /\r\n\r\nOriginal-Recipient: rfc822; B@x\.test\r\nFinal-Recipient: rfc822; b@x\.test\r\nAction: failed\r\nStatus: 5\.1\.1\r\nRemote-MTA: dns; mx\.x\.test\r\nDiagnostic-Code: smtp; 550 5\.1\.1 nobody\r\n/,
  );
  assert.match(programs ?? '', /Final-Recipient: utf-8; \\x\{FC\}@x\.test\r\n/);
  assert.match(original ?? '', /message\/rfc822[^]*Subject: secret\r\n\r\nbody\r\n/);
});

test('no line is long, no octet bare', () => {
  const text = composeReport(facts).toString('latin1');
  for (const line of text.split('\r\n')) assert.ok(line.length <= 998 && !/[\r\n]/.test(line), line);
  assert.ok(
    parts(composeReport(facts))[1]
      ?.split('\r\n')
      .every((line) => line.length <= 100),
  );
});

test('a large message, and one whose sender asked for it, comes back as its header', () => {
  for (const more of [{ ret: 'HDRS' as const }, { fullLimit: 10 }]) {
    const last = parts(composeReport({ ...facts, ...more }))[2] ?? '';
    assert.match(last, /text\/rfc822-headers[^]*Subject: secret/);
    assert.doesNotMatch(last, /body\r\n/);
  }
});

test('foreign text forges no field', () => {
  const failed = [{ ...facts.failed[0]!, diagnostic: '550 x\r\nEvil: 1', address: 'b@x.test' }];
  const report = composeReport({ ...facts, failed, envid: 'a\r\nEvil: 1', sender: 'a@red.test>\r\nEvil: 1' });
  assert.doesNotMatch(report.toString(), /^Evil/m);
});

test('the report can be read as a message', () => {
  const report = composeReport(facts);
  const fields = headerFields(report);
  assert.equal(firstValue(report, fields, 'subject'), 'Undelivered mail returned to sender');
  assert.equal(parseAddressList(firstValue(report, fields, 'to') ?? '').length, 1);
});
