import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServerNames } from './server.ts';

const at = { host: 'Resolver', port: 53 };

test('the address of a server known by name is kept for 5 s, then asked for anew', async () => {
  let now = 0;
  let asked = 0;
  const names = new ServerNames(
    async () => ({ address: `127.0.0.${(asked += 1)}` }),
    () => now,
  );
  assert.deepEqual(await names.locate(at, 1000), { host: '127.0.0.1', port: 53 });
  now = 4999;
  assert.equal((await names.locate(at, 1000)).host, '127.0.0.1');
  now = 5000;
  assert.equal((await names.locate(at, 1000)).host, '127.0.0.2');
});

test('a name that could not be found is asked for anew at once', async () => {
  const answers = [Promise.reject(new Error('ENOTFOUND')), Promise.resolve({ address: '::1' })];
  const names = new ServerNames(() => answers.shift() ?? assert.fail('asked too often'));
  await assert.rejects(names.locate(at, 1000), /ENOTFOUND/);
  assert.deepEqual(await names.locate(at, 1000), { host: '::1', port: 53 });
});

test('a silent system resolver is not waited for longer than the server itself would be', async () => {
  const names = new ServerNames(() => new Promise(() => undefined));
  await assert.rejects(names.locate(at, 1), /Resolver was not found within 1 ms/);
});

test('an address is taken as it is', async () => {
  const names = new ServerNames(() => assert.fail('asked'));
  const server = { host: '192.0.2.1', port: 5353 };
  assert.equal(await names.locate(server, 1000), server);
});
