import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transcript } from './transcript.ts';

test('a long conversation keeps its beginning and its end, within 24 KiB', () => {
  const transcript = new Transcript();
  for (let i = 0; i < 20_000; i++) {
    transcript.client(`NOOP ${i}`);
    transcript.server('250-one\r\n250 two\r\n');
  }
  const text = transcript.text();
  assert.ok(text.length <= 24_576);
  assert.match(text, /^ +\d+ C: NOOP 0\n +\d+ S: 250-one\n +\d+ S: 250 two\n/);
  assert.match(text, /\n\[…\]\n/);
  assert.match(text, /C: NOOP 19999\n +\d+ S: 250-one\n +\d+ S: 250 two\n$/);
});

test('a short one is whole, and control characters do no harm', () => {
  const transcript = new Transcript();
  transcript.client('EHLO \u001b[31m');
  transcript.note('gone');
  assert.match(transcript.text(), /^ +\d+ C: EHLO \?\[31m\n +\d+ -- gone\n$/);
});
