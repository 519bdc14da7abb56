import assert from 'node:assert/strict';
import test from 'node:test';
import { reply } from '@waybill/smtp';
import type { Claimed, Result, SpoolWork } from '@waybill/spool';
import type { Events } from '../events.ts';
import { Closing } from './closing.ts';

const nobody = (): never => {
  throw new Error('not asked here');
};

test('recipients that were tried together are due together: the next hop meets the same group', async () => {
  const results: Result[] = [];
  const spool: Pick<SpoolWork, 'finish'> = {
    finish: (result) => {
      results.push(result);
      return Promise.resolve(true);
    },
  };
  const events: Pick<Events, 'attemptEnds'> = { attemptEnds: () => undefined };
  const closing = new Closing({
    // eslint-disable-next-line typescript/no-unsafe-type-assertion
    spool: spool as SpoolWork,
    kicker: { kick: nobody },
    auth: { resolve: nobody },
    blobs: { get: nobody },
    // eslint-disable-next-line typescript/no-unsafe-type-assertion
    events: events as Events,
    hostname: 'mta.test',
    schedule: [300],
    reportFullBytes: 0,
  });
  // eslint-disable-next-line typescript/no-unsafe-type-assertion
  const claims = Array.from({ length: 20 }, () => ({
    attempts: 0,
    expiresAt: new Date(Date.now() + 86_400_000),
  })) as Claimed[];
  const verdict = {
    kind: 'retry',
    reply: reply(451, '4.4.2', 'lost'),
    said: false,
    phase: 'message',
    unknown: true,
  } as const;
  await closing.close(claims, { verdicts: claims.map(() => verdict), peer: undefined, local: false }, 1);
  const delays = results.map((result) => (result.kind === 'retry' ? result.delayMs : -1));
  assert.equal(delays.length, 20);
  assert.equal(new Set(delays).size, 1, delays.join());
  assert.ok((delays[0] ?? 0) >= 300_000 && (delays[0] ?? 0) <= 350_000);
});
