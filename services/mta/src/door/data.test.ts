import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecipientList } from '@waybill/spool';
import { draftOf } from './data.ts';

const tls = { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' };
const JUNK = 'X-Waybill-Verdict: junk; bank.test asks\r\n';

function taken(agent: string | undefined, ...chunks: string[]): string {
  const drafted = draftOf(
    { chunks: chunks.map((chunk) => Buffer.from(chunk)), size: chunks.join('').length },
    {
      id: '01900000-0000-7000-8000-000000000000',
      named: true,
      recorded: false,
      origin: 'mx',
      from: undefined,
      parameters: { smtputf8: false },
      recipients: new RecipientList(),
      onlyRecipient: undefined,
      taken: 1,
    },
    {
      peer: { address: '192.0.2.1', port: 1, sessionId: 's', tls, ...(agent === undefined ? {} : { agent }) },
      helo: 'mx.red.test',
      extended: true,
      hostname: 'mta.red.test',
    },
    new Date(0),
  );
  assert.ok('draft' in drafted);
  return drafted.draft.message.toString('latin1').replaceAll(/\r\n\t/g, ' ');
}

test('the word of mx stays the first of all when mx hands it over', () => {
  assert.match(
    taken('mx', `${JUNK}X-Spam-Flag: YES\r\n\r\n`, 'x'),
    /^X-Waybill-Verdict: junk; bank\.test asks\r\nReceived: from mx\.red\.test .*\r\nX-Spam-Flag: YES\r\n\r\nx$/,
  );
});

test('the word of mx is read whole, however its octets come', () => {
  assert.match(
    taken('mx', ...JUNK.split(''), 'X-Spam-Flag: YES\r\n\r\n', 'x'),
    /^X-Waybill-Verdict: junk; bank\.test asks\r\nReceived: from mx\.red\.test .*\r\nX-Spam-Flag: YES\r\n\r\nx$/,
  );
});

test('from anybody else it stands below our trace field', () => {
  for (const agent of ['msa', 'mta', undefined])
    assert.match(taken(agent, `${JUNK}\r\n`), /^Received: .*\r\nX-Waybill-Verdict: junk;/);
});

test('what is no whole word is content', () => {
  for (const odd of ['X-Waybill-Verdict: junk;', `X-Waybill-Verdict: junk; ${'x'.repeat(1000)}\r\n`])
    assert.match(taken('mx', odd), /^Received: .*\r\nX-Waybill-Verdict: junk;/);
  assert.match(taken('mx'), /^Received: /);
});
