import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isJunk } from './junk.ts';

const tls = { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' };
const MTA = { agent: 'mta', tls };
const judged = (text: string, peer: Parameters<typeof isJunk>[1] = MTA): boolean =>
  isJunk(Buffer.from(text), peer);
const JUNK = 'X-Waybill-Verdict: junk; bank.test asks to quarantine\r\n';

test('the word of mx is the first of all, and an agent brings it', () => {
  assert.ok(judged(`${JUNK}X-Spam-Flag: YES\r\nReceived: from x by mx; now\r\n\r\n`));
});

test('below a trace field it is somebody else’s word', () => {
  assert.ok(!judged(`Received: from x by mx; now\r\n${JUNK}\r\n`));
  assert.ok(!judged(`Subject: x\r\n${JUNK}\r\n`));
  assert.ok(!judged(`\r\n${JUNK}`));
});

test('a foreign MTA’s word does not count', () => {
  assert.ok(!judged(JUNK, {}));
  assert.ok(!judged(JUNK, { agent: 'mta' }), 'not without TLS, whatever it says');
  assert.ok(!judged(JUNK, { tls }));
});

test('other verdicts are none', () => {
  assert.ok(!judged('X-Waybill-Verdict: accept\r\n'));
  assert.ok(!judged('x-waybill-verdict: junk; a\r\n'), 'mx writes it in one way');
  assert.ok(!judged('X-Waybill-Verd'));
  assert.ok(!judged(''));
});
