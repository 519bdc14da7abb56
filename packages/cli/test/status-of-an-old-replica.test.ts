import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import { readReplica, replicaOf } from '../src/status/replica.ts';
import { toDo } from '../src/status/to-do.ts';

/** The ops port of an agent of 0.1.0: its metrics say neither its version nor whether it is ready. */
async function oldReplica(ready: boolean): Promise<AsyncDisposable & { readonly address: string }> {
  const server = http.createServer((request, response) => {
    const found = request.url === '/metrics' ? 200 : ready ? 200 : 503;
    response
      .writeHead(found)
      .end('# TYPE waybill_mx_connections gauge\nwaybill_mx_connections{agent="mx"} 3\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

for (const ready of [true, false])
  test(`a replica of 0.1.0 that is ${ready ? 'ready' : 'not ready'} is shown so, and as old, while an upgrade is under way`, async () => {
    await using old = await oldReplica(ready);
    const replica = replicaOf(undefined, await readReplica({ name: 'mx', address: old.address }));
    assert.equal(replica.state, ready ? 'ready' : 'not ready');
    assert.equal(replica.version, 'before 0.2.0');
  });

test('a database that two addresses of one name refuse is told with its cause', () => {
  const both = Object.assign(new AggregateError([new Error('connect ECONNREFUSED ::1:5432')], ''), {
    code: 'ECONNREFUSED',
  });
  assert.deepEqual(toDo([], both), ['Postgres cannot be asked: ECONNREFUSED']);
});
