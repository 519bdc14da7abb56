import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import { CertificateAuthority } from '@waybill/lab';
import Type from 'typebox';
import type { Call } from '../src/calls.ts';
import type { Events } from '../src/events.ts';
import { openServer } from '../src/server.ts';

const silent = new Proxy({}, { get: () => () => undefined });

test('closing: what is being answered is answered, its connection ends with it, and nothing is left open', async () => {
  const authority = await CertificateAuthority.create('test authority');
  const [own, mx] = [await authority.issue(['auth'], ['127.0.0.1']), await authority.issue(['mx'])];
  const { promise: asked, resolve: setAsked } = Promise.withResolvers<void>();
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const slow = {
    agents: ['mx'],
    request: Type.Object({}),
    run: async () => {
      setAsked();
      await held;
      return { results: [] };
    },
    // eslint-disable-next-line typescript/no-unsafe-type-assertion
  } as unknown as Call;
  const app = openServer(
    new Map([['resolve', slow]]),
    { ca: authority.certificate, cert: own.certificate, key: own.key },
    silent as Events,
  );
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const agent = new https.Agent({ keepAlive: true });
  const request = https.request({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: '/v1/resolve',
    agent,
    ca: authority.certificate,
    cert: mx.certificate,
    key: mx.key,
    headers: { 'content-type': 'application/json' },
  });
  const answered = once(request, 'response');
  request.end('{}');
  await asked;
  const closed = app.close();
  while (app.server.listening) await new Promise(setImmediate);
  release();
  const [response] = (await answered) as [import('node:http').IncomingMessage];
  response.resume();
  assert.equal(response.statusCode, 200);
  assert.equal(response.headers.connection, 'close');
  // Without the header the connection would be kept for more than a minute, and the process with it.
  await closed;
  agent.destroy();
});
