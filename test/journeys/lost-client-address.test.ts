import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import net from 'node:net';
import { playTranscript } from '@waybill/lab';
import { message, TestWorld } from './a-world.ts';

// All clients of the lab come from loopback, as if a proxy hid them.
const lines: Record<string, unknown>[] = [];
const t = await TestWorld.start({
  extra: { mx: { WAYBILL_LOST_ADDRESS_CONNECTIONS: '10' } },
  onLine: (line) => {
    if (line.startsWith('mx-1') && line.includes('{')) lines.push(JSON.parse(line.slice(line.indexOf('{'))));
  },
});
after(() => t[Symbol.asyncDispose]());

const said = (text: string): Record<string, unknown>[] => lines.filter(({ msg }) => msg === text);
const metric = async (name: string): Promise<string | undefined> => {
  const port = t.world.replicasOf('mx')[0]?.ports['ops'];
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1];
};
const connect = (): net.Socket => net.connect(t.mx.ports[0] ?? 0, '127.0.0.1');

test('clients that hide behind one address raise an alarm, relay nothing, and get their mail through', async () => {
  assert.equal(await metric('waybill_mx_client_address_lost'), '0');
  assert.equal(await metric('waybill_mx_relay_refused'), '1', 'tried at start');
  for (let i = 0; i < 10; i++)
    await playTranscript(
      `S: 220 ...
       C: EHLO client${i}.example.com
       S: ...
       S: 250 STARTTLS
       C: MAIL FROM:<x@example.com>
       S: 250 ...
       C: RCPT TO:<someone@elsewhere.example>
       S: 550 5.7.1 Relaying denied
       C: QUIT
       S: 221 ...`,
      { connect },
    );
  assert.equal(await metric('waybill_mx_client_address_lost'), '1');
  while (said('self-test: nothing is relayed').length < 2)
    await new Promise((resolve) => setTimeout(resolve, 20));
  const [alarm, ...more] = said('the addresses of clients are lost');
  assert.deepEqual(more, [], 'one line');
  assert.match(String(alarm?.['fix']), /WAYBILL_PROXY_FROM.*userland.*externalTrafficPolicy: Local/);

  // A genuine one: its signature speaks for it, SPF cannot.
  const genuine = message({ From: 'alice@red.test', To: 'bob@blue.test', 'Message-ID': '<hidden@red.test>' });
  assert.equal(await t.send(t.submission(t.alice), t.alice.address, t.bob.address, genuine), undefined);
  const view = await t.journey('<hidden@red.test>', (one) =>
    one.steps.some(({ kind }) => kind === 'store.append'),
  );
  const verdict = view.steps.find(({ kind }) => kind === 'verdict.made');
  assert.match(
    String(verdict?.data?.['line']),
    /^client address hidden {2}SPF none {2}DKIM pass \S+ {2}DMARC pass$/,
  );
});
