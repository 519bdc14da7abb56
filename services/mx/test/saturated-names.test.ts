import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import type { MxConfig } from '../src/config.ts';
import { openGate } from '../src/gate/open-gate.ts';

/** Questions that one resolver has under way at a time, and some more that wait. */
const MANY = 250;

test('senders whose DNS does not answer keep nobody from hearing what an author’s domain wants', async () => {
  await using stack = new AsyncDisposableStack();
  const server = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => void server.close());
  let silent = true;
  server.on('message', (question, { port, address }) => {
    if (silent && question.includes('hanging')) return;
    const answer = Buffer.from(question);
    answer.writeUInt16BE(0x8183, 2); // RFC 1035 §4.1.1: a response, NXDOMAIN
    server.send(answer, port, address);
  });
  const gate = openGate(
    {
      WAYBILL_DNS_SERVERS: `127.0.0.1:${server.address().port}`,
      WAYBILL_CHECK_SECONDS: 1,
      WAYBILL_DNS_BLOCK_LISTS: '',
      WAYBILL_DNS_ALLOW_LISTS: '',
      WAYBILL_UNLIMITED_ADDRESSES: '',
    } as MxConfig,
    'mx.blue.test',
    { bans: () => Promise.resolve([]) },
    () => undefined,
    stack,
  );
  const client = { address: '192.0.2.1', helo: 'client.test' };
  const slow = Array.from({ length: MANY }, (_, i) =>
    gate.checks.spf(client, `x@hanging${i}.test`, 'mailfrom'),
  );
  const spf = await (slow[0] as (typeof slow)[number]);
  const dmarc = await gate.checks.dmarc(['x@bank.test'], spf, []);
  silent = false;
  assert.equal(spf.result, 'temperror');
  assert.equal(dmarc.result, 'none', dmarc.comment);
  await Promise.all(slow);
});
