import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Connection } from '@waybill/listener';
import { Output } from './output.ts';

/** A connection whose peer takes what was written only when told to. */
function slowConnection() {
  const state = { written: [] as Buffer[], waiting: 0, drain: (): void => undefined, ended: false };
  const connection = {
    closed: false,
    onDrain: (drained: () => void) => (state.drain = drained),
    onClose: () => undefined,
    end: () => void (state.ended = true),
    cork: () => undefined,
    uncork: () => undefined,
    write(octets: Buffer) {
      state.written.push(octets);
      state.waiting += octets.length;
      return state.waiting < 65_536;
    },
  };
  return {
    output: new Output(connection as unknown as Connection),
    /** Octets written that the peer has not taken. */
    waiting: () => state.waiting,
    ended: () => state.ended,
    written: () => Buffer.concat(state.written),
    take() {
      state.waiting = 0;
      state.drain();
    },
  };
}

suite('output', () => {
  test('hands a slow client a large answer piece by piece, in order', async () => {
    const slow = slowConnection();
    const octets = Buffer.alloc(3_000_000, 'abcdefghijk');
    slow.output.text('* 1 FETCH (BODY[] ').literal(octets).text(')\r\n');
    slow.output.flush();
    const room = slow.output.room();
    assert.ok(room !== undefined);
    let most = 0;
    while (slow.waiting() > 0) {
      most = Math.max(most, slow.waiting());
      slow.take();
    }
    await room;
    assert.ok(most <= 300_000, `${most} octets waited in the socket`);
    assert.equal(
      slow.written().toString('latin1'),
      `* 1 FETCH (BODY[] {3000000}\r\n${octets.toString()})\r\n`,
    );
  });

  test('ends the connection behind the last piece', () => {
    const slow = slowConnection();
    slow.output.octets(Buffer.alloc(600_000)).text('* BYE\r\n');
    slow.output.end();
    assert.equal(slow.ended(), false);
    while (slow.waiting() > 0) slow.take();
    assert.equal(slow.ended(), true);
    assert.ok(slow.written().toString('latin1').endsWith('* BYE\r\n'));
  });

  test('is blocked until the last piece was taken', () => {
    const slow = slowConnection();
    slow.output.octets(Buffer.alloc(600_000));
    slow.output.flush();
    slow.output.text('behind');
    slow.output.flush();
    slow.take();
    assert.equal(slow.output.blocked, true);
    while (slow.waiting() > 0) slow.take();
    assert.equal(slow.output.blocked, false);
    assert.equal(slow.output.room(), undefined);
    assert.ok(slow.written().toString('latin1').endsWith('behind'));
  });
});
