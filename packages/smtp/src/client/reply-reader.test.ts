import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reply } from '../reply.ts';
import { MAX_REPLY, ReplyReader } from './reply-reader.ts';

function read(...chunks: string[]): Reply[] {
  const reader = new ReplyReader();
  const replies: Reply[] = [];
  for (const chunk of chunks) reader.push(Buffer.from(chunk, 'utf8'), (reply) => replies.push(reply));
  return replies;
}

test('replies come out whole, wherever the packets are cut', () => {
  const text = '250-2.1.0 first\r\n250 2.1.0 second ü\r\n354 go on\r\n';
  const wanted = [
    { code: 250, enhanced: '2.1.0', lines: ['first', 'second ü'] },
    { code: 354, enhanced: '', lines: ['go on'] },
  ];
  const octets = Buffer.from(text);
  for (let cut = 0; cut <= octets.length; cut++) {
    const reader = new ReplyReader();
    const replies: Reply[] = [];
    reader.push(octets.subarray(0, cut), (reply) => replies.push(reply));
    reader.push(octets.subarray(cut), (reply) => replies.push(reply));
    assert.deepEqual(replies, wanted);
    assert.equal(reader.pending, 0);
  }
});

test('a bare LF ends a line too, and a bare code is a reply', () => {
  assert.deepEqual(read('250\n'), [{ code: 250, enhanced: '', lines: [''] }]);
});

test('an enhanced code must be of the class of its reply', () => {
  assert.deepEqual(read('450 5.7.1 odd\r\n'), [{ code: 450, enhanced: '', lines: ['5.7.1 odd'] }]);
  assert.deepEqual(read('550 5.1.1234 odd\r\n'), [{ code: 550, enhanced: '', lines: ['5.1.1234 odd'] }]);
  assert.deepEqual(read('550 5.1.1\r\n'), [{ code: 550, enhanced: '5.1.1', lines: [''] }]);
});

test('control characters of a peer do not pass', () => {
  assert.deepEqual(read('250 a\u001b[31mb\r\n')[0]?.lines, ['a [31mb']);
});

test('what is no reply ends the conversation', () => {
  assert.throws(() => read('hello\r\n'), /not an SMTP reply/);
  assert.throws(() => read('250-a\r\n550 b\r\n'), /changes/);
  assert.throws(() => read('x'.repeat(MAX_REPLY + 1)), /64 KiB/);
  assert.throws(() => read('250-aaaa\r\n'.repeat(7000)), /64 KiB/);
});
