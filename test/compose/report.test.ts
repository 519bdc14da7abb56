import assert from 'node:assert/strict';
import { test } from 'node:test';
import { showsClient } from './report.ts';

const FIELD = (from: string): string =>
  `Received: from ledger.example (${from})\r\n\tby mail.test with ESMTP id 1 for <a@b.test>;\r\n\tTue, 1 Jan 2030 00:00:00 +0000\r\n`;

test('a trace shows its client by its own address, of either family', () => {
  assert.ok(showsClient(`${FIELD('[10.0.0.4]')}Message-ID: <1@x>\r\n\r\n`, '10.0.0.4'));
  assert.ok(showsClient(FIELD('[IPv6:fd97:41::66]'), 'fd97:41::66'));
  assert.ok(showsClient(FIELD('[IPv6:fd97:41:0:0:0:0:0:66]'), 'fd97:41::66'));
});

test('another address, none, or a second trace field does not', () => {
  assert.ok(!showsClient(FIELD('[10.0.0.40]'), '10.0.0.4'));
  assert.ok(!showsClient(FIELD('[IPv6:::ffff:10.0.0.4]'), '10.0.0.4'));
  assert.ok(!showsClient('Received: by mail.test; now\r\n', '10.0.0.4'));
  assert.ok(!showsClient(FIELD('[10.0.0.4]') + FIELD('[10.0.0.4]'), '10.0.0.4'));
});
