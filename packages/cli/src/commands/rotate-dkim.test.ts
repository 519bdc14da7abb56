import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DkimKey } from '@waybill/auth-client';
import { whereTheyStand } from './rotate-dkim.ts';

const key = (selector: string, state: DkimKey['state'], more: Partial<DkimKey> = {}): DkimKey => ({
  selector,
  state,
  algorithm: 'rsa-sha256',
  name: `${selector}._domainkey.red.test`,
  record: `v=DKIM1; k=rsa; p=${'A'.repeat(392)}`,
  madeAt: '2026-11-24T18:00:00.000Z',
  ...more,
});

test('what is to be published comes first, in strings that DNS can carry', () => {
  const said = whereTheyStand([
    key('new', 'pending'),
    key('old', 'active', { activatedAt: '2026-10-01T08:30:00.000Z' }),
  ]);
  const line = said.split('\n').find((one) => one.includes('new._domainkey.red.test. '))!;
  assert.match(line, /IN TXT "v=DKIM1; k=rsa; p=A{237}" "A+"$/);
  assert.match(said, /^Publish these/);
  assert.match(said, /old \(rsa-sha256\) signs since 2026-10-01 08:30 UTC\./);
});

test('a key that was seen is only waited for', () => {
  const said = whereTheyStand([key('new', 'pending', { seenAt: '2026-11-24T18:01:00.000Z' })]);
  assert.doesNotMatch(said, /Publish/);
  assert.match(
    said,
    /new\._domainkey\.red\.test is in the DNS since 2026-11-24 18:01 UTC: its key signs soon\./,
  );
});

test('what signs no more is left for a while, and what is over may go', () => {
  const said = whereTheyStand([key('old', 'retiring'), key('older', 'retired')]);
  assert.match(said, /Leave them:\n {2}old\._domainkey/);
  assert.match(said, /may be taken out:\n {2}older\._domainkey/);
});
