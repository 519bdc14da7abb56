import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { receivedField } from '@waybill/message';
import { journeyIdOf } from './journey-id.ts';

const ID = '0190b8a0-1111-7222-8333-444455556666';
const PREFIX = Buffer.from('Return-Path: <>\r\n');

function received(id: string): string {
  return receivedField({
    helo: 'a-rather-long-name-of-a-client.example.org',
    address: '192.0.2.1',
    by: 'mx.red.test',
    protocol: 'ESMTPS',
    id,
    date: new Date(0),
  });
}

suite('the journey of a stored message', () => {
  test('is in the topmost Received field, folded or not', () => {
    const body = Buffer.from(`${received(ID)}${received(ID.replace('0190', '0191'))}Subject: x\r\n\r\n`);
    assert.equal(journeyIdOf(PREFIX, body), ID);
  });

  test('is unknown for what was appended, has a foreign id, or no trace at all', () => {
    const body = Buffer.from(`${received(ID)}\r\n`);
    assert.equal(journeyIdOf(Buffer.alloc(0), body), undefined);
    assert.equal(journeyIdOf(PREFIX, Buffer.from(`${received('4XyZ')}${received(ID)}\r\n`)), undefined);
    assert.equal(journeyIdOf(PREFIX, Buffer.from('Subject: id nothing\r\n\r\n')), undefined);
  });
});
