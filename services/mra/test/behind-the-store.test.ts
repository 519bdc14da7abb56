/** Two replicas whose copies may lag behind the store: no client is told anything false, and none misses a change. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Bed, openBed, plain } from './bed.ts';
import type { ImapClient } from './imap-client.ts';
import { MemoryStore } from './memory-store.ts';

/** So long that a copy is compared with the store only where a command insists. */
const timing = { freshMs: 3_600_000 };

interface Pair extends AsyncDisposable {
  readonly store: MemoryStore;
  readonly beds: readonly Bed<MemoryStore>[];
  /** A client of each replica, INBOX selected, with this many messages in it. */
  readonly clients: readonly [ImapClient, ImapClient];
}

async function openPair(messages: number): Promise<Pair> {
  const stack = new AsyncDisposableStack();
  const store = new MemoryStore();
  const one = stack.use(await openBed({ store, timing }));
  const two = stack.use(await openBed({ store, timing }));
  const clients = [await one.login(), await two.login()] as const;
  for (let n = 1; n <= messages; n += 1) await clients[0].append('INBOX', plain(`m${n}`));
  for (const client of clients) await client.ok('SELECT INBOX');
  return { store, beds: [one, two], clients, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const flagLines = (lines: readonly string[]): string[] => lines.filter((line) => line.includes('FLAGS'));

suite('behind the store', () => {
  test('a STORE that finds nothing left to do does not hide what the other client did', async () => {
    await using pair = await openPair(3);
    const [one, two] = pair.clients;
    await two.ok('STORE 1:2 +FLAGS.SILENT (\\Seen)');
    const told = [...(await one.ok('STORE 1 +FLAGS (\\Seen)')), ...(await one.ok('NOOP'))];
    assert.ok(
      told.some((line) => line.startsWith('* 2 FETCH') && line.includes('\\Seen')),
      JSON.stringify(told),
    );
    const [, second] = await one.ok('FETCH 1:3 FLAGS');
    assert.match(second ?? '', /^\* 2 FETCH \(FLAGS \(\\Seen/);
  });

  test('reading a message that is seen already does not hide what the other client did', async () => {
    await using pair = await openPair(3);
    const [one, two] = pair.clients;
    await two.ok('STORE 1:2 +FLAGS.SILENT (\\Seen)');
    const told = [...(await one.ok('FETCH 1 BODY[]')), ...(await one.ok('NOOP'))];
    assert.ok(
      told.some((line) => line.startsWith('* 2 FETCH')),
      JSON.stringify(told),
    );
  });

  test('UIDs that the other client expunged are passed over by UID STORE', async () => {
    await using pair = await openPair(2);
    const [one, two] = pair.clients;
    await two.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
    await two.ok('EXPUNGE');
    assert.deepEqual(await one.ok('UID STORE 1 +FLAGS (\\Seen)'), ['* 1 EXPUNGE']);
    await two.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
    await two.ok('EXPUNGE');
    assert.match((await one.command('STORE 1 +FLAGS (\\Seen)')).tagged, /^NO \[EXPUNGEISSUED\]/);
  });

  test('a silent STORE tells what the other client changed on the same message', async () => {
    await using pair = await openPair(1);
    const [one, two] = pair.clients;
    await two.ok('STORE 1 +FLAGS.SILENT (\\Flagged)');
    const told = [...(await one.ok('STORE 1 +FLAGS.SILENT (\\Seen)')), ...(await one.ok('NOOP'))];
    assert.match(flagLines(told).at(-1) ?? '', /\\Seen \\Flagged|\\Flagged.*\\Seen/);
  });
});
