import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test, { after, beforeEach } from 'node:test';
import { testDatabase } from '@waybill/lab';
import { openPool } from '@waybill/postgres';
import { journeySchema, maintainJourney, openJourney } from '../src/index.ts';
import type { JourneyEvent } from '../src/event.ts';

const db = await testDatabase([journeySchema]);
const admin = openPool(db.url, { size: 2 });
const mx = openPool(db.urlAs('mx'), { size: 2 });
const mta = openPool(db.urlAs('mta'), { size: 2 });
const operator = openPool(db.urlAs('operator'), { size: 1 });
after(async () => {
  await Promise.all([admin, mx, mta, operator].map((pool) => pool.end()));
  await db[Symbol.asyncDispose]();
});
beforeEach(() => admin.query('truncate journey.event, journey.transcript'));

const event = (over: Partial<JourneyEvent> = {}): JourneyEvent => ({
  journeyId: randomUUID(),
  kind: 'data.accept',
  status: 'ok',
  summary: '250 2.0.0 queued',
  ...over,
});
const count = async (table = 'event'): Promise<number> =>
  (await admin.query(`select count(*)::int as n from journey.${table}`)).rows[0].n as number;

test('an event is written as it was recorded, by an agent that may only insert', async () => {
  const journey = openJourney(mx, { agent: 'mx', instance: 'mx-1' });
  const whole = event({
    sessionId: 's1',
    recipient: 'Bob@blue.test',
    sender: '',
    messageId: '<1@red.test>',
    code: 250,
    enhanced: '2.0.0',
    peerHost: 'mail.red.test',
    peerAddress: '192.0.2.1',
    tls: 'TLSv1.3',
    nextId: 'whatever the peer said',
    tookMs: 12.5,
    data: { nul: 'a\0b', half: '\uD800', n: 1n, deep: { list: [1, 'x'] } },
  });
  journey.record(whole);
  journey.record(event({ kind: 'rcpt.reject', status: 'permanent', summary: 'x\0'.repeat(2000) }));
  journey.record({ kind: 'mail.reject', status: 'permanent', summary: 'no' });
  journey.record(event({ journeyId: 'not a uuid', code: Number.NaN }));
  await journey.close();
  const { rows } = await admin.query('select * from journey.event order by seq');
  assert.equal(rows.length, 4);
  const row = rows[0];
  assert.deepEqual(
    [row.agent, row.instance, row.journey_id, row.recipient, row.sender, row.code, row.took_ms, row.next_id],
    ['mx', 'mx-1', whole.journeyId, 'Bob@blue.test', '', 250, 12.5, 'whatever the peer said'],
  );
  assert.deepEqual(row.data, { nul: 'a\uFFFDb', half: '\uFFFD', n: '1', deep: { list: [1, 'x'] } });
  assert.ok(Math.abs(Date.now() - row.at.getTime()) < 60_000);
  assert.equal(rows[1].summary.length, 1000);
  assert.deepEqual([rows[3].journey_id, rows[3].code], [null, null]);
  await assert.rejects(mx.query('select * from journey.event'), /permission denied/);
  await assert.rejects(mx.query('delete from journey.event'), /permission denied/);
  await assert.rejects(mx.query('select journey.maintain()'), /permission denied/);
});

test('many events go in few statements, and all arrive', async () => {
  let statements = 0;
  const counted = new Proxy(mx, {
    get(target, name, receiver) {
      if (name === 'query') statements++;
      const value = Reflect.get(target, name, receiver) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const journey = openJourney(counted, { agent: 'mx', instance: 'mx-1' });
  for (let i = 0; i < 1000; i++) journey.record(event());
  await journey.close();
  assert.equal(await count(), 1000);
  assert.ok(statements <= 6, String(statements));
});

test('a database that is away costs the oldest events, never an error, never memory', async () => {
  const away = openPool('postgres://x@127.0.0.1:1/none', { size: 1 });
  let dropped = 0;
  const journey = openJourney(away, {
    agent: 'mx',
    instance: 'mx-1',
    limit: 100,
    onDrop: (n) => (dropped += n),
  });
  for (let i = 0; i < 1000; i++) journey.record(event());
  for (let i = 0; i < 300; i++) journey.transcript('s', undefined, 'x'.repeat(100_000));
  await journey.close();
  assert.equal(dropped >= 1000, true, `${dropped} dropped`);
  await away.end();
});

test('events that could not be written are written when the database is back', async () => {
  let away = true;
  const { promise: failed, resolve } = Promise.withResolvers<void>();
  const flaky = {
    query: (config: never) => {
      if (!away) return mx.query(config);
      resolve();
      return Promise.reject(new Error('Connection terminated unexpectedly'));
    },
  };
  const journey = openJourney(flaky as never, { agent: 'mx', instance: 'mx-1' });
  journey.record(event());
  await failed;
  away = false;
  await journey.close();
  assert.equal(await count(), 1);
});

test('a transcript keeps its beginning and its end within 64 KiB', async () => {
  const journey = openJourney(mx, { agent: 'mx', instance: 'mx-1' });
  journey.transcript('s1', randomUUID(), `begin${'x'.repeat(1_000_000)}end`);
  await journey.close();
  const { rows } = await admin.query('select text from journey.transcript');
  const text = rows[0].text as string;
  assert.ok(text.length <= 65_536 && text.startsWith('begin') && text.endsWith('end'));
  assert.match(text, /characters left out/);
});

test('days are made ahead, what came before its day moves into it, old days go', async () => {
  const days = async (): Promise<string[]> =>
    (
      await admin.query(
        `select c.relname from pg_inherits join pg_class c on c.oid = inhrelid
          where inhparent = 'journey.event'::regclass and c.relname <> 'event_default' order by 1`,
      )
    ).rows.map((row) => row.relname as string);
  assert.equal((await days()).length, 4, 'the migration made today and three more');
  assert.deepEqual(await maintainJourney(mta), { made: 0, dropped: 0 });
  await admin.query(
    `insert into journey.event (at, seq, agent, instance, kind, status, summary)
     select now() + make_interval(days => d), 1, 'a', 'i', 'k', 'ok', 's' from generate_series(-40, 10, 10) as d`,
  );
  assert.equal(await count('event_default'), 5);
  await admin.query("select journey.maintain(today => (now() at time zone 'UTC')::date + 8)");
  assert.equal(await count('event_default'), 2, 'one moved into its day, two were past their time');
  assert.equal(await count(), 4);
  const { rows } = await mta.query('select * from journey.maintain(30, 7, current_date + 45)');
  assert.ok(rows[0].dropped >= 8, JSON.stringify(rows));
  assert.equal((await days()).length, 4);
  assert.equal(await count(), 0);
});
