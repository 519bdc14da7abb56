import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { StoredMessage } from '@waybill/mailstore';
import { LargeMessages } from './large-messages.ts';

function open(budget: number, sizes: Readonly<Record<string, number>>) {
  const asked: string[] = [];
  const store = {
    message(accountId: string, emailId: string): Promise<StoredMessage | undefined> {
      asked.push(`${accountId}/${emailId}`);
      const size = sizes[emailId];
      if (size === undefined) return Promise.resolve(undefined);
      const [prefix, summary] = [Buffer.alloc(0), Buffer.alloc(0)];
      return Promise.resolve({ emailId, prefix, summary, body: Buffer.alloc(size) });
    },
  };
  return { asked, kept: new LargeMessages(store, budget) };
}

suite('large messages', () => {
  test('are read once while a client takes them piece by piece; small ones each time', async () => {
    const { asked, kept } = open(1_000_000, { big: 300_000, small: 1_000 });
    for (let n = 0; n < 3; n += 1) for (const id of ['big', 'small']) await kept.message('1', id);
    assert.deepEqual(asked, ['1/big', '1/small', '1/small', '1/small']);
  });

  test('are forgotten beyond the budget, those not used for longest first', async () => {
    const { asked, kept } = open(700_000, { a: 300_000, b: 300_000, c: 300_000, huge: 800_000 });
    for (const id of ['a', 'b', 'a', 'c', 'a', 'huge', 'b']) await kept.message('1', id);
    assert.deepEqual(asked, ['1/a', '1/b', '1/c', '1/huge', '1/b']);
    assert.ok(kept.bytes <= 700_000);
  });

  test('of one account are never another’s, and what is not there is not kept', async () => {
    const { asked, kept } = open(1_000_000, { a: 300_000 });
    await kept.message('1', 'a');
    await kept.message('2', 'a');
    assert.equal(await kept.message('1', 'gone'), undefined);
    assert.equal(await kept.message('1', 'gone'), undefined);
    assert.deepEqual(asked, ['1/a', '2/a', '1/gone', '1/gone']);
  });
});
