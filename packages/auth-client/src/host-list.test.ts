import assert from 'node:assert/strict';
import test from 'node:test';
import { parseHostList, Places } from './host-list.ts';

test('a list of host:port is read', () => {
  assert.deepEqual(parseHostList('auth:2100, 192.0.2.1:1 ,[2001:db8::1]:65535,'), [
    { host: 'auth', port: 2100 },
    { host: '192.0.2.1', port: 1 },
    { host: '2001:db8::1', port: 65535 },
  ]);
});

for (const bad of [
  '',
  ' , ',
  'auth',
  'auth:',
  ':2100',
  'auth:0',
  'auth:65536',
  'auth:x',
  '2001:db8::1:2100',
  'auth:1.5',
]) {
  test(`${JSON.stringify(bad)} is no list of host:port`, () => {
    assert.throws(() => parseHostList(bad), /host:port|\[address\]:port/);
  });
}

test('a resolver that fails takes no address away', async () => {
  let fails = false;
  const places = new Places([{ host: 'auth.test', port: 1 }], 100, async () => {
    if (fails) throw new Error('SERVFAIL');
    return ['192.0.2.1', '192.0.2.2'];
  });
  const keys = async (now: number): Promise<string[]> =>
    (await places.current(now)).map((place) => place.key);
  assert.deepEqual(await keys(0), ['192.0.2.1:1', '192.0.2.2:1']);
  fails = true;
  await keys(200);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(await keys(210), ['192.0.2.1:1', '192.0.2.2:1']);
});
