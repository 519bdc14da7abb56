import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test, { after } from 'node:test';
import { testDatabase } from '@waybill/lab';
import { openPool } from '@waybill/postgres';
import { journeySchema, openJourney, readTranscripts, renderJourney, traceJourney } from '../src/index.ts';
import type { Journey, JourneyEvent } from '../src/event.ts';

const db = await testDatabase([journeySchema]);
const admin = openPool(db.url, { size: 2 });
const operator = openPool(db.urlAs('operator'), { size: 2 });
const agents = new Map<string, Journey>();
after(async () => {
  await Promise.all([admin, operator].map((pool) => pool.end()));
  await db[Symbol.asyncDispose]();
});

/** Events in the given order, a millisecond apart in the record though written at once. */
async function tell(story: readonly (readonly [agent: string, event: JourneyEvent])[]): Promise<void> {
  const start = Date.now();
  const realNow = Date.now;
  try {
    story.forEach(([agent, event], i) => {
      Date.now = () => start + i * 20;
      const journey = agents.get(agent) ?? openJourney(admin, { agent, instance: `${agent}-1` });
      agents.set(agent, journey);
      journey.record(event);
    });
  } finally {
    Date.now = realNow;
  }
  await Promise.all([...agents.values()].map((journey) => journey.close()));
  agents.clear();
}

function submitted(first: string, second: string, from = 'alice@red.test', to = 'bob@blue.test') {
  return [
    [
      'msa',
      {
        journeyId: first,
        kind: 'data.accept',
        status: 'ok',
        sender: from,
        recipient: to,
        messageId: `<${first}@red.test>`,
        code: 250,
        enhanced: '2.0.0',
        summary: `250 2.0.0 queued as ${first}`,
        tls: 'TLSv1.3',
        sessionId: `msa-${first}`,
      },
    ],
    [
      'mta',
      {
        journeyId: first,
        kind: 'route',
        status: 'info',
        recipient: to,
        summary: 'MX blue.test: 10 mx.blue.test',
      },
    ],
    [
      'mta',
      {
        journeyId: first,
        kind: 'attempt.end',
        status: 'temporary',
        recipient: to,
        code: 421,
        enhanced: '4.3.2',
        summary: 'too busy',
        peerHost: 'mx.blue.test',
        peerAddress: '127.0.0.3',
      },
    ],
    [
      'mta',
      {
        journeyId: first,
        kind: 'attempt.end',
        status: 'ok',
        recipient: to,
        code: 250,
        enhanced: '2.0.0',
        summary: `queued as ${second}`,
        nextId: second.toUpperCase(),
        peerHost: 'mx.blue.test',
        tookMs: 210,
      },
    ],
    [
      'mx',
      {
        journeyId: second,
        kind: 'data.accept',
        status: 'ok',
        sender: from,
        recipient: to,
        messageId: `<${first}@red.test>`,
        code: 250,
        summary: `250 2.0.0 queued as ${second}`,
      },
    ],
    [
      'mta',
      {
        journeyId: second,
        kind: 'attempt.end',
        status: 'ok',
        recipient: to,
        code: 250,
        enhanced: '2.1.5',
        summary: 'stored',
        peerHost: 'mda',
      },
    ],
    [
      'mda',
      { journeyId: second, kind: 'store.append', status: 'ok', recipient: to, summary: 'INBOX uid 17' },
    ],
    ['mra', { journeyId: second, kind: 'mra.fetch', status: 'info', summary: 'fetched by bob over IMAP' }],
  ] as const satisfies readonly (readonly [string, JourneyEvent])[];
}

test('two ids of one message are one journey, from either end, joined by what the next hop answered', async () => {
  const [first, second] = [randomUUID(), randomUUID()];
  await tell(submitted(first, second.toLowerCase()));
  for (const key of [first, second, `${first}@red.test`, `<${first}@red.test>`]) {
    const views = await traceJourney(operator, key);
    assert.equal(views.length, 1, key);
    const view = views[0]!;
    assert.deepEqual(view.ids, [first, second]);
    assert.equal(view.steps.length, 8);
    assert.deepEqual(
      view.steps.map((step) => step.agent),
      ['msa', 'mta', 'mta', 'mta', 'mx', 'mta', 'mda', 'mra'],
    );
    assert.deepEqual(
      view.recipients.map((each) => [each.address, each.journeyId, each.state, each.from]),
      [['bob@blue.test', second, 'delivered', 'events']],
    );
    assert.equal(view.spoolSeen, false);
  }
});

test('a message with the same Message-ID that no hop answered for is another journey', async () => {
  const [a, b] = [randomUUID(), randomUUID()];
  const accept = (journeyId: string): JourneyEvent => ({
    journeyId,
    kind: 'data.accept',
    status: 'ok',
    messageId: '<same@x>',
    summary: 'queued',
  });
  await tell([
    ['mx', accept(a)],
    ['mx', accept(b)],
  ]);
  const views = await traceJourney(operator, 'same@x');
  assert.deepEqual(
    views.map((view) => view.ids),
    [[b], [a]],
  );
});

test('an address finds its latest journeys, newest first, each once', async () => {
  const ids = Array.from({ length: 4 }, () => [randomUUID(), randomUUID()] as const);
  for (const [first, second] of ids) await tell(submitted(first, second, 'Zoe@red.test', 'yan@blue.test'));
  const views = await traceJourney(operator, 'YAN@blue.test', { limit: 4 });
  assert.ok(views.length >= 2 && views.length <= 4);
  assert.deepEqual(views[0]?.ids, [...ids.at(-1)!]);
  assert.equal((await traceJourney(operator, 'zoe@red.test', { limit: 100 })).length, 4);
  assert.deepEqual(await traceJourney(operator, 'nobody@nowhere.test'), []);
  assert.deepEqual(await traceJourney(operator, randomUUID()), []);
  assert.deepEqual(await traceJourney(operator, "'; drop table journey.event; --"), []);
});

test('a report is named, not walked into, and names its parent', async () => {
  const [id, report] = [randomUUID(), randomUUID()];
  await tell([
    [
      'mx',
      { journeyId: id, kind: 'data.accept', status: 'ok', recipient: 'x@reject.test', summary: 'queued' },
    ],
    [
      'mta',
      {
        journeyId: id,
        kind: 'attempt.end',
        status: 'permanent',
        recipient: 'x@reject.test',
        code: 550,
        enhanced: '5.1.1',
        summary: 'no such user',
      },
    ],
    [
      'mta',
      {
        journeyId: id,
        kind: 'dsn.sent',
        status: 'info',
        recipient: 'x@reject.test',
        summary: 'reported to alice@red.test',
        nextId: report,
      },
    ],
    [
      'mda',
      {
        journeyId: report,
        kind: 'store.append',
        status: 'ok',
        recipient: 'alice@red.test',
        summary: 'INBOX uid 1',
      },
    ],
  ]);
  const [view] = await traceJourney(operator, id);
  assert.deepEqual([view?.ids, view?.reports], [[id], [report]]);
  assert.equal(view?.recipients[0]?.state, 'returned');
  const [other] = await traceJourney(operator, report);
  assert.deepEqual([other?.ids, other?.parent], [[report], id]);
});

test('a loop of answers ends', async () => {
  const ids = Array.from({ length: 60 }, () => randomUUID());
  await tell(
    ids.map(
      (journeyId, i) =>
        [
          'mta',
          { journeyId, kind: 'attempt.end', status: 'ok', summary: 'ok', nextId: ids[(i + 1) % 60]! },
        ] as const,
    ),
  );
  const [view] = await traceJourney(operator, ids[0]!);
  assert.ok(view!.ids.length <= 50);
});

test('an event that was written twice is shown once', async () => {
  const id = randomUUID();
  await tell([['mx', { journeyId: id, kind: 'data.accept', status: 'ok', summary: 'queued' }]]);
  await admin.query('insert into journey.event select * from journey.event where journey_id = $1', [id]);
  assert.equal((await traceJourney(operator, id))[0]?.steps.length, 1);
});

test('transcripts of its sessions come with it', async () => {
  const [first, second] = [randomUUID(), randomUUID()];
  await tell(submitted(first, second));
  const journey = openJourney(admin, { agent: 'msa', instance: 'msa-1' });
  journey.transcript(`msa-${first}`, undefined, '<- EHLO\n-> 250 ok');
  await journey.close();
  const [view] = await traceJourney(operator, first);
  assert.deepEqual(
    (await readTranscripts(operator, view!)).map((each) => each.text),
    ['<- EHLO\n-> 250 ok'],
  );
});

test('the drawing has one line per step, waits between, and no control characters of others', async () => {
  const [first, second] = [randomUUID(), randomUUID()];
  const story = submitted(first, second);
  await tell([
    ...story,
    [
      'mx',
      {
        journeyId: second,
        kind: 'rcpt.reject',
        status: 'permanent',
        summary: 'evil \u001b[2J\r\nline \u009b1m',
        recipient: 'carol@blue.test',
      },
    ],
  ]);
  const [view] = await traceJourney(operator, first);
  const text = renderJourney(view!);
  // eslint-disable-next-line no-control-regex
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  const lines = text.split('\n');
  assert.match(lines[0]!, /^alice@red\.test -> bob@blue\.test, carol@blue\.test {3}1 delivered, 1 refused$/);
  const agents = lines.flatMap((line) => /^ {2}[o|~x] ([A-Z]+)/.exec(line)?.[1] ?? []);
  assert.deepEqual(agents, ['MSA', 'MTA', 'MTA', 'MTA', 'MX', 'MTA', 'MDA', 'MRA', 'MX']);
  assert.match(
    text,
    /~ MTA .*\+0\.020 s.*421 4\.3\.2 too busy.*\[for bob@blue\.test, mx\.blue\.test \(127\.0\.0\.3\)\]/,
  );
  assert.match(text, /o MTA .*250 2\.0\.0 queued as .*took 0\.210 s/);
  assert.match(text, /bob@blue\.test: delivered/);
});

test('a refused message is found by everybody whom it concerned, its reason on the same screen', async () => {
  const id = randomUUID();
  const refused = {
    journeyId: id,
    kind: 'mail.reject',
    status: 'permanent',
    sender: 'ceo@bank.test',
    code: 550,
    enhanced: '5.7.26',
    summary: 'bank.test asks to reject mail that fails DMARC (SPF fail, DKIM none)',
  } as const;
  await tell([
    [
      'mx',
      {
        journeyId: id,
        kind: 'verdict.made',
        status: 'permanent',
        sender: 'ceo@bank.test',
        messageId: '<forged@bank.test>',
        code: 550,
        enhanced: '5.7.26',
        summary: 'reject: bank.test asks to reject mail that fails DMARC (SPF fail, DKIM none)',
        peerAddress: '203.0.113.9',
        data: { line: 'PTR none  SPF fail  DKIM none  DMARC fail (p=reject)' },
      },
    ],
    ['mx', { ...refused, recipient: 'meg@blue.test' }],
    ['mx', { ...refused, recipient: 'moe@blue.test' }],
  ]);
  for (const key of [id, 'ceo@bank.test', 'moe@blue.test', 'forged@bank.test']) {
    const [view] = await traceJourney(operator, key);
    const text = renderJourney(view!);
    assert.match(text, /^ceo@bank\.test -> meg@blue\.test, moe@blue\.test {3}2 refused$/m, key);
    assert.match(
      text,
      /x MX .*verdict\.made +PTR none {2}SPF fail {2}DKIM none {2}DMARC fail \(p=reject\) {2}-> 550 5\.7\.26 reject: bank\.test asks/,
    );
    assert.match(text, /moe@blue\.test: refused: 550 5\.7\.26 bank\.test asks/);
  }
});

test('what the spool still has is told from its own rows', async () => {
  await admin.query(`create schema spool; grant usage on schema spool to waybill_operator;
    create table spool.msg (spool_id uuid, return_path text, parent_id uuid, origin int);
    create table spool.rcpt (spool_id uuid, rcpt_no int, address text, state int, attempts int, next_at timestamptz, last_code text, last_text text, last_peer text);
    grant select on spool.msg, spool.rcpt to waybill_operator`);
  const id = randomUUID();
  const report = randomUUID();
  await admin.query(`insert into spool.msg values ($1, 'alice@red.test', null, 1), ($2, '', $1, 3)`, [
    id,
    report,
  ]);
  await admin.query(
    `insert into spool.rcpt values ($1, 1, 'w@slow.test', 0, 2, now() + interval '5 min', '451', '4.3.0 later', 'mx.slow.test'),
                                   ($1, 2, 'n@new.test', 0, 0, now(), null, null, null)`,
    [id],
  );
  const [view] = await traceJourney(operator, id);
  assert.deepEqual(
    view?.recipients.map((each) => [each.address, each.state, each.attempts, each.from]),
    [
      ['w@slow.test', 'waiting', 2, 'spool'],
      ['n@new.test', 'queued', 0, 'spool'],
    ],
  );
  assert.deepEqual([view?.spoolSeen, view?.reports, view?.sender], [true, [report], 'alice@red.test']);
  assert.match(
    renderJourney(view!),
    /w@slow\.test: waiting after 2 attempts, next try 20.*: 451 4\.3\.0 later/,
  );
});
