/** IMAP sessions over TLS sockets, several clients on one mailbox: RFC 3501 as a reader meets it. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { openMemoryBed, plain, TWO_PARTS } from './bed.ts';

suite('reading', () => {
  test('FETCH gives the octets that were stored, whole, in sections and in parts', async () => {
    await using bed = await openMemoryBed();
    const alice = await bed.login();
    const prefix = 'Return-Path: <x@y>\r\nDelivered-To: alice@red.test\r\n';
    await bed.store.deliver('1', 'INBOX', Buffer.from(prefix), Buffer.from(TWO_PARTS));
    await alice.ok('SELECT INBOX');
    const whole = prefix + TWO_PARTS;
    const [line] = await alice.ok('FETCH 1 (RFC822.SIZE BODY.PEEK[] FLAGS)');
    assert.equal(
      line,
      `* 1 FETCH (RFC822.SIZE ${whole.length} BODY[] {${whole.length}}\r\n${whole} FLAGS (\\Recent))`,
    );
    const header = whole.slice(0, whole.indexOf('\r\n\r\n') + 4);
    const text = TWO_PARTS.slice(TWO_PARTS.indexOf('\r\n\r\n') + 4);
    const literal = (octets: string): string => `{${octets.length}}\r\n${octets}`;
    for (const [item, answer] of [
      ['BODY.PEEK[HEADER]', `BODY[HEADER] ${literal(header)}`],
      ['RFC822.HEADER', `RFC822.HEADER ${literal(header)}`],
      ['BODY.PEEK[TEXT]', `BODY[TEXT] ${literal(text)}`],
      ['BODY.PEEK[1]', `BODY[1] ${literal('the first part')}`],
      [
        'BODY.PEEK[2.MIME]',
        `BODY[2.MIME] ${literal('Content-Type: text/html\r\nContent-Description: second\r\n\r\n')}`,
      ],
      ['BODY.PEEK[3]', 'BODY[3] NIL'],
      ['BODY.PEEK[]<4.6>', `BODY[]<4> ${literal(whole.slice(4, 10))}`],
      [`BODY.PEEK[]<${prefix.length - 2}.6>`, `BODY[]<${prefix.length - 2}> ${literal('\r\nFrom')}`],
      ['BODY.PEEK[]<99999.5>', 'BODY[]<99999> {0}\r\n'],
      [
        'BODY.PEEK[HEADER.FIELDS (delivered-to Subject)]',
        `BODY[HEADER.FIELDS (delivered-to Subject)] ${literal('Delivered-To: alice@red.test\r\nSubject: two parts\r\n\r\n')}`,
      ],
    ] as const) {
      assert.deepEqual(await alice.ok(`FETCH 1 ${item}`), [`* 1 FETCH (${answer})`], item);
    }
  });

  test('reading a body sets \\Seen and says so; peeking and EXAMINE do not', async () => {
    await using bed = await openMemoryBed();
    const alice = await bed.login();
    await alice.append('INBOX', plain('one'));
    await alice.ok('EXAMINE INBOX');
    const [quiet] = await alice.ok('FETCH 1 BODY[TEXT]');
    assert.equal(quiet, '* 1 FETCH (BODY[TEXT] {7}\r\nhello\r\n)');
    await alice.ok('SELECT INBOX');
    await alice.ok('FETCH 1 BODY.PEEK[TEXT]');
    const [line] = await alice.ok('UID FETCH 1 BODY[TEXT]');
    assert.equal(line, '* 1 FETCH (UID 1 BODY[TEXT] {7}\r\nhello\r\n FLAGS (\\Seen \\Recent))');
    assert.deepEqual(await alice.ok('SEARCH SEEN'), ['* SEARCH 1']);
  });

  test('the journey learns once per session that a delivered message was read, and of no other', async () => {
    await using bed = await openMemoryBed();
    const alice = await bed.login();
    const id = '0190b8a0-1111-7222-8333-444455556666';
    const received = `Received: from x ([192.0.2.1]) by mx.red.test with ESMTP id ${id};\r\n\tTue, 7 Jan 2025 10:00:00 +0000\r\n`;
    const message = received + plain('traced');
    await bed.store.deliver('1', 'INBOX', Buffer.from('Return-Path: <>\r\n'), Buffer.from(message));
    await alice.append('INBOX', message);
    await alice.ok('SELECT INBOX');
    // A client lists what is there by its headers: that is no reading.
    await alice.ok('FETCH 1:2 (BODY.PEEK[HEADER.FIELDS (SUBJECT)] RFC822.HEADER)');
    assert.deepEqual(bed.journey, []);
    await alice.ok('FETCH 1:2 BODY[]');
    await alice.ok('FETCH 1:2 BODY[TEXT]');
    assert.deepEqual(
      bed.journey.map(({ kind, journeyId, recipient }) => [kind, journeyId, recipient]),
      [['mra.fetch', id, 'alice@red.test']],
    );
  });

  test('a slow reader of many bodies costs the memory of one batch, and gets every octet', async () => {
    await using bed = await openMemoryBed();
    const alice = await bed.login();
    const body = plain('big', 'x'.repeat(1_000_000));
    for (let n = 0; n < 30; n += 1) await bed.store.deliver('1', 'INBOX', Buffer.alloc(0), Buffer.from(body));
    await alice.ok('SELECT INBOX');
    alice.socket.pause();
    const read = (): number => bed.store.calls.get('message') ?? 0;
    const tag = alice.send('FETCH 1:* BODY.PEEK[]');
    // Another session is served meanwhile: that is how this one is known to be stuck, without waiting.
    const bob = await bed.login('bob@blue.test');
    for (let n = 0; n < 20; n += 1) await bob.ok('NOOP');
    assert.ok(read() < 20, `${read()} messages were read ahead of a client that takes nothing`);
    alice.socket.resume();
    const { untagged, tagged } = await alice.answer(tag);
    assert.equal(tagged, 'OK FETCH done');
    assert.equal(untagged.length, 30);
    assert.ok(untagged.every((line) => line.includes(body)));
  });

  test('SEARCH finds by flags, sets, dates, sizes, envelope, header and text', async () => {
    await using bed = await openMemoryBed();
    const alice = await bed.login();
    await alice.append('INBOX', TWO_PARTS, '\\Seen $Work');
    await alice.append('INBOX', plain('Alpha and omega', 'needle in a haystack'), '\\Flagged');
    await alice.append('INBOX', plain('=?utf-8?B?w5xiZXI=?= alles', 'nothing'));
    await alice.ok('SELECT INBOX');
    for (const [query, found] of [
      ['ALL', '1 2 3'],
      ['SEEN', '1'],
      ['UNSEEN NOT FLAGGED', '3'],
      ['KEYWORD $work', '1'],
      ['UNKEYWORD $Work', '2 3'],
      ['2:*', '2 3'],
      ['UID 3:900', '3'],
      ['NEW', '2 3'],
      ['OLD', ''],
      ['FROM fred@red', '1'],
      ['FROM "fred f"', '1'],
      ['TO BOB@blue', '1 2 3'],
      ['CC bob', ''],
      ['SUBJECT OMEGA', '2'],
      ['CHARSET UTF-8 SUBJECT {5+}\r\n\xc3\x9cber', '3'],
      ['CHARSET UTF-8 SUBJECT {5+}\r\n\xc3\xbcber', '3'],
      ['BODY needle', '2'],
      ['TEXT "the second"', '1'],
      ['TEXT omega', '2'],
      ['BODY omega', ''],
      ['HEADER Message-ID <two@', '1'],
      ['HEADER Content-Type ""', '1'],
      ['HEADER Subject alpha', '2'],
      ['SENTON 6-Jan-2025', '1'],
      ['SENTSINCE 7-Jan-2025', '2 3'],
      ['SENTBEFORE 7-Jan-2025', '1'],
      ['BEFORE 1-Jan-2024', '1 2 3'],
      ['SINCE 1-Jan-2024', ''],
      [`LARGER ${TWO_PARTS.length - 1}`, '1'],
      [`SMALLER ${TWO_PARTS.length}`, '2 3'],
      ['OR SUBJECT alpha BODY nothing', '2 3'],
      ['NOT (OR SUBJECT alpha BODY nothing)', '1'],
      ['(FLAGGED) BODY haystack', '2'],
      ['UNDELETED UNDRAFT UNANSWERED', '1 2 3'],
    ] as const) {
      assert.deepEqual(
        await alice.ok(`SEARCH ${query}`),
        [found === '' ? '* SEARCH' : `* SEARCH ${found}`],
        query,
      );
    }
    assert.match(
      (await alice.command('SEARCH CHARSET KOI8-R TEXT x')).tagged,
      /^NO \[BADCHARSET \(.*UTF-8.*\)\]/,
    );
    assert.match((await alice.command('SEARCH 7')).tagged, /^BAD/);
  });

  test('SEARCH reads only the messages that are still in question', async () => {
    await using bed = await openMemoryBed();
    const alice = await bed.login();
    for (let n = 0; n < 10; n += 1)
      await alice.append('INBOX', plain(`message ${n}`), n === 7 ? '\\Flagged' : '');
    await alice.ok('SELECT INBOX');
    assert.deepEqual(await alice.ok('SEARCH FLAGGED BODY hello'), ['* SEARCH 8']);
    assert.equal(bed.store.calls.get('message'), 1);
    await alice.ok('SEARCH SUBJECT "message 3"');
    assert.equal(bed.store.calls.get('message'), 1);
  });
});

suite('several sessions on one mailbox', () => {
  test('an EXPUNGE is not told in answers to FETCH, STORE and SEARCH by number, and is told in NOOP', async () => {
    await using bed = await openMemoryBed();
    const [one, two] = await Promise.all([bed.login(), bed.login()]);
    for (const subject of ['a', 'b', 'c']) await one.append('INBOX', plain(subject));
    await one.ok('SELECT INBOX');
    await two.ok('SELECT INBOX');
    await one.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
    assert.deepEqual(await one.ok('EXPUNGE'), ['* 1 EXPUNGE']);
    assert.deepEqual(await two.ok('FETCH 1:3 UID'), [
      '* 1 FETCH (UID 1)',
      '* 2 FETCH (UID 2)',
      '* 3 FETCH (UID 3)',
    ]);
    assert.deepEqual(await two.ok('SEARCH ALL'), ['* SEARCH 1 2 3']);
    assert.deepEqual(await two.ok('STORE 3 +FLAGS.SILENT (\\Flagged)'), []);
    // A message that is gone for others can still be read while its number holds.
    assert.equal((await two.ok('FETCH 1 BODY.PEEK[TEXT]')).length, 1);
    assert.deepEqual(await two.ok('NOOP'), ['* 1 EXPUNGE']);
    assert.deepEqual(await two.ok('FETCH 1:* UID'), ['* 1 FETCH (UID 2)', '* 2 FETCH (UID 3)']);
  });

  test('UID commands may tell an EXPUNGE', async () => {
    await using bed = await openMemoryBed();
    const [one, two] = await Promise.all([bed.login(), bed.login()]);
    for (const subject of ['a', 'b']) await one.append('INBOX', plain(subject));
    await one.ok('SELECT INBOX');
    await two.ok('SELECT INBOX');
    await one.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
    await one.ok('CLOSE');
    assert.deepEqual(await two.ok('UID FETCH 2 FLAGS'), ['* 2 FETCH (UID 2 FLAGS ())', '* 1 EXPUNGE']);
  });

  test('flags changed elsewhere are told; one’s own silent ones are not', async () => {
    await using bed = await openMemoryBed();
    const [one, two] = await Promise.all([bed.login(), bed.login()]);
    await one.append('INBOX', plain('a'));
    await one.ok('SELECT INBOX');
    await two.ok('SELECT INBOX');
    assert.deepEqual(await two.ok('STORE 1 FLAGS.SILENT (\\Answered $Done)'), []);
    assert.deepEqual(await two.ok('NOOP'), []);
    assert.deepEqual(await one.ok('NOOP'), ['* 1 FETCH (UID 1 FLAGS (\\Answered \\Recent $Done))']);
    assert.deepEqual(await one.ok('UID STORE 1 -FLAGS ($Done)'), [
      '* 1 FETCH (UID 1 FLAGS (\\Answered \\Recent))',
    ]);
  });

  test('\\Recent is told to the first session alone', async () => {
    await using bed = await openMemoryBed();
    const [one, two] = await Promise.all([bed.login(), bed.login()]);
    await one.append('INBOX', plain('a'));
    assert.ok((await one.ok('EXAMINE INBOX')).includes('* 1 RECENT'));
    assert.ok((await one.ok('SELECT INBOX')).includes('* 1 RECENT'));
    assert.ok((await two.ok('SELECT INBOX')).includes('* 0 RECENT'));
    await bed.store.deliver('1', 'INBOX', Buffer.alloc(0), Buffer.from(plain('b')));
    assert.deepEqual(await two.ok('NOOP'), ['* 2 EXISTS', '* 1 RECENT']);
    assert.deepEqual(await one.ok('NOOP'), ['* 2 EXISTS', '* 1 RECENT']);
    assert.deepEqual(await one.ok('SEARCH RECENT'), ['* SEARCH 1']);
    assert.deepEqual(await two.ok('SEARCH RECENT'), ['* SEARCH 2']);
  });

  test('IDLE tells arrivals, flags and EXPUNGE as they happen', async () => {
    await using bed = await openMemoryBed();
    const [one, two] = await Promise.all([bed.login(), bed.login()]);
    await one.append('INBOX', plain('a'));
    await one.ok('SELECT INBOX');
    await two.ok('SELECT INBOX');
    const tag = two.send('IDLE');
    assert.match(await two.line(), /^\+ /);
    await bed.store.deliver('1', 'INBOX', Buffer.alloc(0), Buffer.from(plain('b')));
    bed.around.signal.publish(['1']);
    assert.equal(await two.line(), '* 2 EXISTS');
    assert.equal(await two.line(), '* 1 RECENT');
    await one.ok('STORE 1 FLAGS (\\Deleted)');
    bed.around.signal.publish(['1']);
    assert.equal(await two.line(), '* 1 FETCH (UID 1 FLAGS (\\Deleted))');
    await one.ok('EXPUNGE');
    bed.around.signal.publish(['1']);
    assert.equal(await two.line(), '* 1 EXPUNGE');
    two.write('DONE\r\n');
    assert.deepEqual(await two.answer(tag), { untagged: [], tagged: 'OK IDLE done' });
    assert.deepEqual(await two.ok('NOOP'), []);
  });

  test('IDLE sees by its own slow look what no wake-up told', async () => {
    await using bed = await openMemoryBed({ timing: { pollMs: 20, keepAliveMs: 1_000_000 } });
    const one = await bed.login();
    await one.ok('SELECT INBOX');
    one.send('IDLE');
    await one.line();
    await bed.store.deliver('1', 'INBOX', Buffer.alloc(0), Buffer.from(plain('b')));
    assert.equal(await one.line(), '* 1 EXISTS');
  });

  test('IDLE says now and then that it is still there, and survives the loss of the store', async () => {
    await using bed = await openMemoryBed({ timing: { pollMs: 10, keepAliveMs: 30 } });
    const one = await bed.login();
    await one.ok('SELECT INBOX');
    const tag = one.send('IDLE');
    await one.line();
    bed.store.fail = new Error('Connection terminated unexpectedly');
    assert.equal(await one.line(), '* OK Still here');
    bed.store.fail = undefined;
    one.write('done\r\n');
    assert.equal((await one.answer(tag)).tagged, 'OK IDLE done');
    assert.ok(bed.complaints.length > 0);
  });

  test('a session whose mailbox is deleted elsewhere is told so and ends; the one that deletes it goes on', async () => {
    await using bed = await openMemoryBed();
    const [one, two] = await Promise.all([bed.login(), bed.login()]);
    await one.ok('CREATE Box');
    await one.ok('SELECT Box');
    await two.ok('SELECT Box');
    await one.ok('DELETE Box');
    assert.match((await one.command('FETCH 1 FLAGS')).tagged, /^BAD/);
    two.send('NOOP');
    assert.match(await two.line(), /^\* BYE/);
    await two.closed();
  });
});
