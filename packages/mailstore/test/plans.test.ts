import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { testDatabase } from '@waybill/lab';
import { openPool } from '@waybill/postgres';
import { deliverBatch } from '../src/deliver.ts';
import { FLAG, mailstoreSchema, openReaderStore } from '../src/index.ts';
import { account, appended, delivery, listeningSignal } from './mail.ts';

/**
 * The statements of the mail path read what they need by an index and no more, also in a session
 * that planned them while the store was empty. Watched from inside their functions by auto_explain.
 */

const db = await testDatabase([mailstoreSchema]);
const signal = listeningSignal();
// auto_explain needs a superuser; the settings are those pinned to the agents' roles.
const early = openPool(db.url, { size: 1 });
const late = openPool(db.url, { size: 1 });
after(async () => {
  await Promise.all([early.end(), late.end()]);
  await db[Symbol.asyncDispose]();
});

const SETTINGS = [
  "load 'auto_explain'",
  'set auto_explain.log_nested_statements = on',
  'set auto_explain.log_analyze = on',
  'set auto_explain.log_timing = off',
  'set enable_seqscan = off',
  'set jit = off',
  'set plan_cache_mode = force_generic_plan',
];
for (const pool of [early, late]) for (const setting of SETTINGS) await pool.query(setting);

/** Runs the work with every plan of the pool's one session noted down: one line per plan node. */
async function watched(pool: typeof early, work: () => Promise<unknown>): Promise<string[]> {
  const lines: string[] = [];
  const client = await pool.connect();
  const note = (notice: { message?: string | undefined }): void =>
    void lines.push(...(notice.message ?? '').split('\n').filter((line) => line.includes('actual rows=')));
  client.on('notice', note);
  await client.query('set client_min_messages = log; set auto_explain.log_min_duration = 0');
  client.release();
  try {
    await work();
  } finally {
    const same = await pool.connect();
    await same.query('set auto_explain.log_min_duration = -1; set client_min_messages = notice');
    same.off('notice', note);
    same.release();
  }
  assert.ok(lines.length > 0, 'plans were seen');
  return lines;
}

function assertLean(lines: readonly string[], what: string, most: number): void {
  for (const line of lines) {
    assert.ok(!line.includes('Seq Scan'), `${what}: ${line}`);
    const rows = /actual rows=([\d.]+) loops=(\d+)/.exec(line);
    assert.ok(Number(rows?.[1]) * Number(rows?.[2]) <= most, `${what}: ${line}`);
  }
}

const big = account(1);
const others = Array.from({ length: 200 }, (_, i) => account(100 + i));

/** The work of the mail path on a mailbox of any size; each touches a handful of rows. */
const hot: readonly (readonly [string, (pool: typeof early) => Promise<unknown>])[] = [
  [
    'deliver',
    (pool) =>
      deliverBatch(
        pool,
        signal,
        [big, ...others.slice(0, 9)].map((to) => delivery(to)),
      ),
  ],
  [
    'deliver junk',
    (pool) => deliverBatch(pool, signal, [delivery(big, { target: 'junk' }), delivery(others[3]!)]),
  ],
  ['append', (pool) => openReaderStore(pool, { signal }).append(big, 'INBOX', [appended('x')])],
  ['store', (pool) => openReaderStore(pool, { signal }).storeFlags('1', 1, [1], 'set', FLAG.seen, ['k'])],
  [
    'store add',
    (pool) => openReaderStore(pool, { signal }).storeFlags('1', 1, [1, 2], 'remove', FLAG.seen, []),
  ],
  ['copy', (pool) => openReaderStore(pool, { signal }).copy(big, 1, [1, 2], 'Archive')],
  ['uid expunge', (pool) => openReaderStore(pool, { signal }).expunge('1', 1, [3, 4])],
  ['remove', (pool) => openReaderStore(pool, { signal }).remove('1', 6, [1])],
  ['message', (pool) => openReaderStore(pool, { signal }).message('1', '1')],
  ['summaries', (pool) => openReaderStore(pool, { signal }).summaries('1', ['1', '2', '3'])],
  ['account modseq', (pool) => openReaderStore(pool, { signal }).accountModseq('1')],
  ['find mailbox', (pool) => openReaderStore(pool, { signal }).findMailbox('1', 'INBOX')],
  [
    'changes',
    async (pool) => {
      const store = openReaderStore(pool, { signal });
      return store.changesSince('1', 1, (await store.accountModseq('1')) - 3);
    },
  ],
];

test('statements planned on an empty store stay lean when it is full, as do those planned later', async () => {
  // Planned here, with one message there.
  await deliverBatch(early, signal, [delivery(big)]);
  for (const [, work] of hot) await work(early);

  for (let i = 0; i < 40; i++)
    await openReaderStore(late, { signal }).append(
      big,
      'INBOX',
      Array.from({ length: 100 }, () => appended('x')),
    );
  await deliverBatch(
    late,
    signal,
    others.map((to) => delivery(to)),
  );
  await late.query('analyze');
  for (const [, work] of hot) await work(late);

  for (const pool of [early, late])
    for (const [name, work] of hot)
      assertLean(
        await watched(pool, () => work(pool)),
        `${name}, ${pool === early ? 'early' : 'late'} plan`,
        60,
      );
});

test('opening a mailbox reads its rows once', async () => {
  const store = openReaderStore(late, { signal });
  const { info } = await store.snapshot('1', 1, true);
  const lines = await watched(late, () => store.snapshot('1', 1, true));
  assertLean(lines, 'snapshot', info.messages);
  const reading = lines.filter((line) => line.includes(' on mailbox_msg'));
  assert.equal(reading.length, 1, reading.join('\n'));
});
