import assert from 'node:assert/strict';
import test from 'node:test';
import { placeName, readPlaces } from './place.ts';

test('places are host:port, [address]:port and unix:/path', () => {
  assert.deepEqual(readPlaces('X', ''), []);
  assert.deepEqual(readPlaces('X', '127.0.0.1:12345, [::1]:1 ,unix:/run/waybill/sasl'), [
    { kind: 'tcp', host: '127.0.0.1', port: 12_345 },
    { kind: 'tcp', host: '::1', port: 1 },
    { kind: 'unix', path: '/run/waybill/sasl' },
  ]);
});

test('they are named as Postfix writes them', () => {
  assert.deepEqual(readPlaces('X', '0.0.0.0:1,[::]:2,unix:/s').map(placeName), [
    'inet:0.0.0.0:1',
    'inet:[::]:2',
    'unix:/s',
  ]);
});

test('anything else is named with its setting', () => {
  for (const text of [
    '12345',
    ':12345',
    'host:',
    'host:65536',
    'host:x',
    '::1:25',
    'unix:relative',
    `unix:/${'x'.repeat(200)}`,
  ])
    assert.throws(() => readPlaces('WAYBILL_FOREIGN_SASL', text), /WAYBILL_FOREIGN_SASL/, text);
});
