import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { removeAccount } from '@waybill/mailstore';
import { decodeSummary } from '@waybill/message';
import { formatReply, type Reply, type RcptParameters } from '@waybill/smtp';
import { MdaSession, type MdaSessionOptions } from '../src/session.ts';
import { AGENT, type Bed, fromMta, mailbox, openBed } from './bed.ts';

let bed: Bed;
before(async () => {
  bed = await openBed();
});
after(() => bed[Symbol.asyncDispose]());
beforeEach(() => {
  bed.events.said.length = 0;
  bed.directory.answers.clear();
});

const FROM = { local: 'alice', domain: 'red.test' };
const CLEAR = { address: '203.0.113.9', port: 1, sessionId: 's2' };
const FOREIGN = { address: '198.51.100.4', port: 1, sessionId: 's3' };
const message = (text: string) => ({ chunks: [Buffer.from(text, 'latin1')], size: text.length });
const codes = (replies: readonly Reply[]): string[] =>
  replies.map((answer) => `${answer.code} ${answer.enhanced}`);

let unique = 100;
/** A user that no other test writes to. */
const user = (): string => String(++unique);

function session(peer = AGENT, options: Partial<MdaSessionOptions> = {}): MdaSession {
  const open = new MdaSession({ ...bed.options, ...options });
  assert.equal(open.mail(FROM, { smtputf8: false }, peer).code, 250);
  return open;
}
async function rcpt(open: MdaSession, local: string, parameters: RcptParameters = {}): Promise<string> {
  const answer = await open.rcpt({ local, domain: 'blue.test' }, parameters);
  return `${answer.code} ${answer.enhanced}`;
}
const rowsOf = async (account: string) => (await bed.rows()).filter((row) => row.account === account);

test('a message is filed with its own trace fields, body octet for octet, and a summary', async () => {
  const to = user();
  const open = session();
  assert.equal(await rcpt(open, `u${to}`, fromMta(to)), '250 2.1.5');
  const text = 'Subject: x\r\nDate: 1 Jan 2026 00:00:00 +0000\r\n\r\n\u00e9\0 body\r\n';
  assert.deepEqual(codes(await open.message(message(text))), ['250 2.0.0']);
  const [row] = await rowsOf(to);
  assert.ok(row);
  assert.equal(row.prefix, `Return-Path: <alice@red.test>\r\nDelivered-To: u${to}@blue.test\r\n`);
  assert.equal(row.body, text);
  const summary = decodeSummary(row.summary);
  assert.equal(summary.sentAt, Date.UTC(2026, 0, 1));
  assert.equal(summary.root.content.end, text.length);
  assert.deepEqual(bed.events.said, ['stored']);
});

test('the null sender is written as such', async () => {
  const to = user();
  const open = new MdaSession(bed.options);
  open.mail(undefined, { smtputf8: false }, AGENT);
  await rcpt(open, `u${to}`, fromMta(to));
  await open.message(message('\r\n'));
  assert.match((await rowsOf(to))[0]?.prefix ?? '', /^Return-Path: <>\r\n/);
});

test('a recorded delivery is one also after its account was removed', async () => {
  const to = user();
  const again = fromMta(to);
  const first = session();
  await rcpt(first, `u${to}`, again);
  assert.deepEqual(codes(await first.message(message('a: b\r\n\r\n'))), ['250 2.0.0']);
  await removeAccount(bed.pool, to);
  for (const [parameters, answer] of [
    [again, '250 2.1.5'],
    [fromMta(to), '550 5.2.1'],
  ] as const) {
    const open = session();
    // What the directory said a moment ago.
    assert.equal(await rcpt(open, `u${to}`, parameters), '250 2.1.5');
    assert.deepEqual(codes(await open.message(message('a: b\r\n\r\n'))), [answer]);
  }
});

test('a delivery that comes again is answered and not filed again', async () => {
  const to = user();
  const again = fromMta(to);
  for (const _ of [1, 2]) {
    const open = session();
    assert.equal(await rcpt(open, `u${to}`, again), '250 2.1.5');
    const [answer] = await open.message(message('a: b\r\n\r\n'));
    assert.equal(answer?.code, 250);
  }
  assert.equal((await rowsOf(to)).length, 1);
  assert.deepEqual(bed.events.said, ['stored', 'duplicate']);
});

test('a recorded delivery is answered 250 although the user is gone, moved, or cannot be asked for', async () => {
  const to = user();
  const again = fromMta(to);
  const first = session();
  await rcpt(first, `u${to}`, again);
  await first.message(message('a: b\r\n\r\n'));
  for (const now of [{ status: 'unknown' }, { status: 'try-later' }, mailbox(user())] as const) {
    bed.directory.answers.set(`u${to}@blue.test`, now);
    const open = session();
    assert.equal(await rcpt(open, `u${to}`, again), '250 2.1.5');
    assert.deepEqual(codes(await open.message(message('a: b\r\n\r\n'))), ['250 2.1.5']);
  }
  assert.equal((await bed.rows()).filter((row) => row.prefix.includes(`u${to}@`)).length, 1);
});

test('a delivery that is not recorded is refused when the user is gone', async () => {
  const open = session();
  assert.equal(await rcpt(open, 'nobody', fromMta('77')), '550 5.1.1');
  assert.deepEqual(bed.events.said, ['refused']);
});

test('recipients are answered one by one: full beside good', async () => {
  const to = user();
  for (const expected of [
    ['250 2.0.0', '250 2.0.0'],
    ['250 2.0.0', '552 5.2.2'],
  ]) {
    const open = session();
    await rcpt(open, `u${to}`, fromMta(to));
    await rcpt(open, 'small', fromMta('900'));
    assert.deepEqual(codes(await open.message(message('a: b\r\n\r\n'))), expected);
  }
});

test('a large body is stored once and referred to', async () => {
  const [one, two] = [user(), user()];
  const open = session();
  await rcpt(open, `u${one}`, fromMta(one));
  await rcpt(open, `u${two}`, fromMta(two));
  const text = `a: b\r\n\r\n${'x'.repeat(40_000)}\r\n`;
  const half = { chunks: [Buffer.from(text.slice(0, 100)), Buffer.from(text.slice(100))], size: text.length };
  assert.deepEqual(codes(await open.message(half)), ['250 2.0.0', '250 2.0.0']);
  const rows = [...(await rowsOf(one)), ...(await rowsOf(two))];
  const [key] = rows.map((row) => row.blobKey);
  assert.ok(key);
  assert.deepEqual(
    rows.map((row) => [row.body, row.blobKey]),
    [
      [null, key],
      [null, key],
    ],
  );
});

test('one mailbox named twice by a foreign MTA gets one copy and two answers', async () => {
  const to = user();
  const open = session(FOREIGN);
  assert.equal(await rcpt(open, `u${to}`), '250 2.1.5');
  assert.equal(await rcpt(open, `u${to}+tag`), '250 2.1.5');
  assert.deepEqual(codes(await open.message(message('a: b\r\n\r\n'))), ['250 2.0.0', '250 2.0.0']);
  assert.equal((await rowsOf(to)).length, 1);
});

test('only the mta is offered the private parameters, and strangers deliver nothing', () => {
  const open = new MdaSession(bed.options);
  assert.deepEqual(open.capabilities(AGENT), ['XWAYBILL']);
  for (const peer of [CLEAR, FOREIGN, { ...AGENT, agent: 'mra' }]) {
    assert.deepEqual(open.capabilities(peer), []);
  }
  assert.equal(formatReply(open.mail(FROM, { smtputf8: false }, CLEAR)).slice(0, 9), '530 5.7.0');
  assert.equal(
    formatReply(open.mail(FROM, { smtputf8: false }, { ...AGENT, agent: 'mra' })).slice(0, 9),
    '450 4.7.1',
  );
  assert.deepEqual(bed.events.said, ['stranger', 'stranger']);
});

test('a store that fails is temporary for whom it concerns', async () => {
  const [good, bad] = [user(), user()];
  const open = session(AGENT, {
    store: {
      isDelivered: () => Promise.resolve(false),
      deliver: (item) =>
        item.account.accountId === bad
          ? Promise.reject(new Error('connection lost'))
          : bed.options.store.deliver(item),
    },
  });
  await rcpt(open, `u${bad}`, fromMta(bad));
  await rcpt(open, `u${good}`, fromMta(good));
  assert.deepEqual(codes(await open.message(message('a: b\r\n\r\n'))), ['451 4.3.0', '250 2.0.0']);
  assert.deepEqual(bed.events.said.toSorted(), ['failed: connection lost', 'stored']);
});

test('a blobstore that fails is temporary for all', async () => {
  const to = user();
  const open = session(AGENT, { blobs: { put: () => Promise.reject(new Error('no room')) } });
  await rcpt(open, `u${to}`, fromMta(to));
  assert.deepEqual(codes(await open.message(message(`\r\n${'x'.repeat(40_000)}`))), ['451 4.3.0']);
  assert.deepEqual(await rowsOf(to), []);
});

test('what mx judged junk lies in Junk, once, however often it comes', async () => {
  const to = user();
  const junk = 'X-Waybill-Verdict: junk; bank.test asks\r\nReceived: from a by b; c\r\n\r\nx\r\n';
  const where = async (): Promise<string[]> => {
    const { rows } = await bed.pool.query<{ name: string }>(
      `select m.name from mailstore.mailbox_msg x join mailstore.mailbox m using (account_id, mailbox_id)
        where x.account_id = $1 order by m.name`,
      [to],
    );
    return rows.map((row) => row.name);
  };
  const again = fromMta(to);
  const said: unknown[] = [];
  for (const _ of [1, 2]) {
    const open = session();
    await rcpt(open, `u${to}`, again);
    said.push(...(await open.message(message(junk))).map((answer) => answer.lines[0]));
  }
  assert.deepEqual(said, ['Stored in Junk with uid 1', 'Delivered before']);
  assert.deepEqual(await where(), ['Junk']);
  const foreign = session(FOREIGN);
  await rcpt(foreign, `u${to}`);
  await foreign.message(message(junk));
  assert.deepEqual(await where(), ['INBOX', 'Junk']);
});

test('RSET forgets the recipients', async () => {
  const to = user();
  const open = session();
  await rcpt(open, `u${to}`, fromMta(to));
  open.reset();
  open.mail(FROM, { smtputf8: false }, AGENT);
  assert.deepEqual(await open.message(message('\r\n')), []);
  assert.deepEqual(await rowsOf(to), []);
});
