import assert from 'node:assert/strict';
import test from 'node:test';
import { parseRelay } from './relay.ts';

test('a smart host is somebody’s server, or another machine’s mta', () => {
  const host = parseRelay('smtp://user:pa%3Fss@smart.test');
  assert.ok(host.kind === 'host');
  assert.deepEqual(
    [host.name, host.tls, host.auth],
    ['smart.test', 'required', { username: 'user', password: 'pa?ss' }],
  );
  assert.equal(parseRelay('smtp://smart.test:25').kind, 'host');
  const agent = parseRelay('smtp://a:2526?agent, smtp://b?agent');
  assert.deepEqual(agent.kind === 'agent' && agent.hop, { places: 'a:2526,b:2526', kind: 'agent' });
});

test('a setting that cannot be understood is refused without telling its password', () => {
  for (const bad of ['smart.test', 'http://smart.test', 'smtp://u:secret@h?agent', 'smtp://a?agent,smtp://b'])
    assert.throws(
      () => parseRelay(bad),
      (error: Error) => error instanceof RangeError && !error.message.includes('secret'),
    );
});
