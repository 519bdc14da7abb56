import assert from 'node:assert/strict';
import test from 'node:test';
import type { SaslRequest } from '@waybill/auth-client';
import { SealedStates, STATE_LIFE_MS } from './sealed-state.ts';

const key = Buffer.alloc(32, 7);
const request: SaslRequest = { mechanism: 'LOGIN', client: '192.0.2.1', protocol: 'smtp' };
const sealed = (now = 0): SaslRequest => ({
  ...request,
  state: new SealedStates(key).seal(request, { step: 'password', username: 'alice' }, now),
});

test('another replica with the same secret opens it', () => {
  assert.deepEqual(new SealedStates(key).open(sealed(), 1000), { step: 'password', username: 'alice' });
});

test('it is good for a minute, for its client, its mechanism and its protocol, and unchanged', () => {
  const states = new SealedStates(key);
  assert.equal(states.open(sealed(), STATE_LIFE_MS), undefined);
  assert.equal(states.open({ ...sealed(), client: '192.0.2.2' }, 1), undefined);
  assert.equal(states.open({ ...sealed(), mechanism: 'PLAIN' }, 1), undefined);
  assert.equal(states.open({ ...sealed(), protocol: 'imap' }, 1), undefined);
  assert.equal(new SealedStates(Buffer.alloc(32, 8)).open(sealed(), 1), undefined);
  const { state = '' } = sealed();
  for (let i = 0; i < state.length; i++) {
    const changed = `${state.slice(0, i)}${state[i] === 'A' ? 'B' : 'A'}${state.slice(i + 1)}`;
    if (!Buffer.from(changed, 'base64url').equals(Buffer.from(state, 'base64url')))
      assert.equal(states.open({ ...request, state: changed }, 1), undefined);
  }
  for (const nonsense of ['', 'x', 'A'.repeat(4096), '💌'])
    assert.equal(states.open({ ...request, state: nonsense }), undefined);
});

test('it says nothing to whoever carries it', () => {
  assert.ok(!Buffer.from(sealed().state ?? '', 'base64url').includes('alice'));
});
