import assert from 'node:assert/strict';
import test from 'node:test';
import { nextIdOf } from './next-id.ts';
import { type Reply, reply } from './reply.ts';

test('the next hop’s id is read where it stands', () => {
  const said = (text: string): Reply => reply(250, '2.0.0', text);
  assert.equal(nextIdOf(said('OK queued as 0199-ab')), '0199-ab');
  assert.equal(nextIdOf(said('Ok: queued as 4711 by host')), '4711');
  assert.equal(nextIdOf(said('thanks')), undefined);
  assert.equal(nextIdOf(said('queued as ')), undefined);
});
