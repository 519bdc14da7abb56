import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readProxyHeader } from './proxy-header.ts';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

function v2(command: number, family: number, body: Buffer): Buffer {
  const head = Buffer.from([0x20 | command, family, body.length >> 8, body.length & 255]);
  return Buffer.concat([SIGNATURE, head, body]);
}

const v4Body = Buffer.from([192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 0, 25]);
const v6Body = Buffer.concat([
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.alloc(16),
  Buffer.from([0x30, 0x39, 0, 25]),
]);

const good: [string, Buffer, { address: string; port: number } | undefined][] = [
  [
    'version 1 over IPv4',
    Buffer.from('PROXY TCP4 192.0.2.7 10.0.0.1 12345 25\r\n'),
    { address: '192.0.2.7', port: 12345 },
  ],
  [
    'version 1 over IPv6',
    Buffer.from('PROXY TCP6 2001:db8::1 ::1 12345 25\r\n'),
    { address: '2001:db8::1', port: 12345 },
  ],
  ['version 1 without a source', Buffer.from('PROXY UNKNOWN anything\r\n'), undefined],
  ['version 2 over IPv4', v2(1, 0x11, v4Body), { address: '192.0.2.7', port: 12345 }],
  ['version 2 over IPv6', v2(1, 0x21, v6Body), { address: '2001:db8::1', port: 12345 }],
  [
    'version 2 with vendor fields',
    v2(1, 0x11, Buffer.concat([v4Body, Buffer.from([4, 0, 1, 0])])),
    { address: '192.0.2.7', port: 12345 },
  ],
  ['version 2 of the balancer itself', v2(0, 0, Buffer.alloc(0)), undefined],
];

for (const [name, octets, source] of good) {
  test(`${name} is read, wherever the network splits it`, () => {
    for (let at = 0; at < octets.length; at++)
      assert.equal(readProxyHeader(octets.subarray(0, at)).kind, 'more', `split at ${at}`);
    const header = readProxyHeader(Buffer.concat([octets, Buffer.from('EHLO')]));
    assert.ok(header.kind === 'ok');
    assert.equal(header.length, octets.length);
    assert.deepEqual(header.source, source);
  });
}

const bad: [string, Buffer][] = [
  ['plain SMTP', Buffer.from('EHLO x\r\n')],
  ['another word with P', Buffer.from('POST / HTTP/1.1\r\n')],
  ['a version 1 line without end', Buffer.from(`PROXY TCP4 ${'1'.repeat(120)}`)],
  ['an address of the wrong family', Buffer.from('PROXY TCP4 ::1 ::1 1 2\r\n')],
  ['a port out of range', Buffer.from('PROXY TCP4 192.0.2.7 10.0.0.1 99999 25\r\n')],
  ['a missing port', Buffer.from('PROXY TCP4 192.0.2.7 10.0.0.1 25\r\n')],
  ['a wrong version', Buffer.concat([SIGNATURE, Buffer.from([0x11, 0x11, 0, 12]), v4Body])],
  ['an unknown command', v2(5, 0x11, v4Body)],
  ['a short address block', v2(1, 0x11, v4Body.subarray(0, 8))],
  ['a huge length', Buffer.concat([SIGNATURE, Buffer.from([0x21, 0x11, 0xff, 0xff])])],
];
for (const [name, octets] of bad) {
  test(`${name} is no PROXY header`, () => assert.equal(readProxyHeader(octets).kind, 'bad'));
}
