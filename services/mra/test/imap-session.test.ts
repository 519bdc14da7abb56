/** The frame around IMAP's commands: TLS, login, limits, mistakes, outages, drain. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ImapClient } from './imap-client.ts';
import { openMemoryBed, plain } from './bed.ts';

const PLAIN = Buffer.from('\0alice@red.test\0secret').toString('base64');

suite('before login', () => {
  test('no password is taken in clear; after STARTTLS it is', async () => {
    await using bed = await openMemoryBed();
    const client = await ImapClient.plain(bed.port);
    const [clear] = await client.ok('CAPABILITY');
    assert.match(clear ?? '', / STARTTLS LOGINDISABLED/);
    assert.ok(!(clear ?? '').includes('AUTH='));
    assert.match((await client.command('LOGIN alice@red.test secret')).tagged, /^NO \[PRIVACYREQUIRED\]/);
    assert.match((await client.command(`AUTHENTICATE PLAIN ${PLAIN}`)).tagged, /^NO \[PRIVACYREQUIRED\]/);
    await client.ok('STARTTLS');
    await client.startTls(bed.ca);
    const [secure] = await client.ok('CAPABILITY');
    assert.match(secure ?? '', / AUTH=PLAIN AUTH=LOGIN/);
    assert.ok(!(secure ?? '').includes('STARTTLS'));
    const { tagged } = await client.command('LOGIN alice@red.test secret');
    assert.match(tagged, /^OK \[CAPABILITY IMAP4rev1 .*LITERAL\+.*\] Logged in$/);
    client.close();
  });

  test('octets in clear behind STARTTLS end the connection', async () => {
    await using bed = await openMemoryBed();
    const client = await ImapClient.plain(bed.port);
    client.write('a STARTTLS\r\nb NOOP\r\n');
    assert.match((await client.answer('a')).tagged, /^OK/);
    await assert.rejects(client.answer('b'), /connection closed; unread: ""/);
  });

  test('SASL PLAIN and LOGIN work with an initial response and without', async () => {
    await using bed = await openMemoryBed();
    const one = await bed.connect();
    await one.ok(`AUTHENTICATE PLAIN ${PLAIN}`);
    const two = await bed.connect();
    const tag = two.send('AUTHENTICATE PLAIN');
    assert.equal(await two.line(), '+ ');
    two.write(`${PLAIN}\r\n`);
    assert.match((await two.answer(tag)).tagged, /^OK/);
    const three = await bed.connect();
    const login = three.send('AUTHENTICATE LOGIN');
    assert.equal(await three.line(), '+ VXNlcm5hbWU6');
    three.write(`${Buffer.from('bob@blue.test').toString('base64')}\r\n`);
    assert.equal(await three.line(), '+ UGFzc3dvcmQ6');
    three.write(`${Buffer.from('secret').toString('base64')}\r\n`);
    assert.match((await three.answer(login)).tagged, /^OK/);
  });

  test('a SASL exchange may be sent ahead, be cancelled, or be nonsense', async () => {
    await using bed = await openMemoryBed();
    const client = await bed.connect();
    client.write(`a AUTHENTICATE PLAIN\r\n*\r\nb AUTHENTICATE PLAIN !!!!\r\nc AUTHENTICATE CRAM-MD5\r\n`);
    client.write(`d AUTHENTICATE PLAIN\r\n${PLAIN}\r\ne NOOP\r\n`);
    assert.match((await client.answer('a')).tagged, /^BAD/);
    assert.match((await client.answer('b')).tagged, /^BAD/);
    assert.match((await client.answer('c')).tagged, /^NO/);
    assert.match((await client.answer('d')).tagged, /^OK/);
    assert.match((await client.answer('e')).tagged, /^OK/);
  });

  test('nobody acts for somebody else', async () => {
    await using bed = await openMemoryBed();
    const client = await bed.connect();
    const response = Buffer.from('bob@blue.test\0alice@red.test\0secret').toString('base64');
    assert.match(
      (await client.command(`AUTHENTICATE PLAIN ${response}`)).tagged,
      /^NO \[AUTHENTICATIONFAILED\]/,
    );
  });

  test('a wrong password and an unknown user are answered alike; the third failure ends the session', async () => {
    await using bed = await openMemoryBed();
    const client = await bed.connect();
    const first = await client.command('LOGIN alice@red.test wrong');
    const second = await client.command('LOGIN nobody@red.test secret');
    assert.match(first.tagged, /^NO \[AUTHENTICATIONFAILED\]/);
    assert.deepEqual(second, first);
    assert.deepEqual(await client.command('LOGIN alice@red.test no'), first);
    assert.match(await client.line(), /^\* BYE/);
    await client.closed();
  });

  test('when auth cannot answer, the client is told to try again, and that counts as no failure', async () => {
    let away = true;
    await using bed = await openMemoryBed({
      authenticate: (username) =>
        away
          ? { status: 'try-later' }
          : { status: 'ok', account: { accountId: '1', address: username, quotaBytes: 0, quotaMessages: 0 } },
    });
    const client = await bed.connect();
    for (let n = 0; n < 4; n += 1)
      assert.match((await client.command('LOGIN alice@red.test secret')).tagged, /^NO \[UNAVAILABLE\]/);
    away = false;
    await client.ok('LOGIN alice@red.test secret');
  });

  test('an account has so many sessions from one address, and gets the place of one that ended', async () => {
    await using bed = await openMemoryBed({ places: 2 });
    const one = await bed.login();
    await bed.login();
    const late = await bed.connect();
    assert.match((await late.command('LOGIN alice@red.test secret')).tagged, /^NO \[LIMIT\]/);
    await bed.login('bob@blue.test');
    await one.ok('LOGOUT');
    await one.closed();
    await late.ok('LOGIN alice@red.test secret');
  });

  test('who does not log in is sent away', async () => {
    await using bed = await openMemoryBed({ timing: { loginMs: 20 } });
    const client = await bed.connect();
    assert.match(await client.line(), /^\* BYE/);
    await client.closed();
  });

  test('commands of other states are refused, three that cannot be read end it', async () => {
    await using bed = await openMemoryBed();
    const client = await bed.connect();
    assert.match((await client.command('SELECT INBOX')).tagged, /^BAD/);
    assert.match((await client.command('FETCH 1 FLAGS')).tagged, /^BAD/);
    for (let n = 0; n < 3; n += 1) client.send('NONSENSE');
    for (let n = 0; n < 3; n += 1) assert.match(await client.line(), / BAD /);
    assert.match(await client.line(), /^\* BYE/);
    await client.closed();
  });
});

suite('after login', () => {
  test('pipelined commands are answered in order, whatever they do', async () => {
    await using bed = await openMemoryBed();
    const alice = await bed.login();
    for (const subject of ['a', 'b', 'c']) await alice.append('INBOX', plain(subject));
    alice.write(
      [
        'a SELECT INBOX',
        'b STORE 1 +FLAGS.SILENT (\\Deleted)',
        'c EXPUNGE',
        'd FETCH 1 UID',
        'e APPEND INBOX {5+}\r\nhello',
        'f UID FETCH 1:* UID',
        'g LOGOUT',
        '',
      ].join('\r\n'),
    );
    assert.match((await alice.answer('a')).tagged, /^OK/);
    assert.match((await alice.answer('b')).tagged, /^OK/);
    assert.deepEqual((await alice.answer('c')).untagged, ['* 1 EXPUNGE']);
    assert.deepEqual((await alice.answer('d')).untagged, ['* 1 FETCH (UID 2)']);
    assert.deepEqual((await alice.answer('e')).untagged, ['* 3 EXISTS', '* 3 RECENT']);
    assert.equal((await alice.answer('f')).untagged.length, 3);
    assert.match((await alice.answer('g')).untagged[0] ?? '', /^\* BYE/);
    await alice.closed();
  });

  test('a client that sends all it wants and closes its side still gets every answer', async () => {
    await using bed = await openMemoryBed();
    const client = await bed.connect();
    client.socket.end('a LOGIN alice@red.test secret\r\nb SELECT INBOX\r\nc STATUS INBOX (MESSAGES)\r\n');
    for (const tag of ['a', 'b', 'c']) assert.match((await client.answer(tag)).tagged, /^OK/);
    await client.closed();
  });

  test('what was committed is answered OK, also when the store is lost right after the commit', async () => {
    await using bed = await openMemoryBed();
    const alice = await bed.login();
    await alice.ok('SELECT INBOX');
    const { store } = bed;
    const look = store.accountModseq.bind(store);
    const lost = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const losingAfter = async <T>(write: Promise<T>): Promise<T> => {
      const written = await write;
      store.accountModseq = () => Promise.reject(lost);
      return written;
    };
    const [append, copy] = [store.append.bind(store), store.copy.bind(store)];
    store.append = (...args) => losingAfter(append(...args));
    store.copy = (...args) => losingAfter(copy(...args));
    // A retry after a NO would put the message here twice.
    assert.match(await alice.append('INBOX', plain('a')), /^OK \[APPENDUID /);
    store.accountModseq = look;
    assert.ok((await alice.ok('NOOP')).includes('* 1 EXISTS'));
    assert.match((await alice.command('UID COPY 1 INBOX')).tagged, /^OK \[COPYUID /);
  });

  test('the loss of the store is NO [UNAVAILABLE], and the session lives on', async () => {
    await using bed = await openMemoryBed();
    const alice = await bed.login();
    await alice.append('INBOX', plain('a'));
    await alice.ok('SELECT INBOX');
    bed.store.fail = Object.assign(new Error('connect ECONNREFUSED'), {
      code: 'ECONNREFUSED',
      syscall: 'connect',
    });
    for (const command of ['NOOP', 'FETCH 1 FLAGS', 'SELECT Sent', 'LIST "" *', 'STATUS INBOX (MESSAGES)'])
      assert.match((await alice.command(command)).tagged, /^NO \[UNAVAILABLE\]/, command);
    assert.match(await alice.append('INBOX', plain('b')), /^NO \[UNAVAILABLE\]/);
    bed.store.fail = undefined;
    await alice.ok('SELECT INBOX');
    assert.equal((await alice.ok('FETCH 1:* UID')).length, 1);
  });

  test('an error that nobody foresaw is NO [SERVERBUG] for the client and its cause for the log', async () => {
    await using bed = await openMemoryBed();
    const alice = await bed.login();
    bed.store.fail = new TypeError('a secret detail');
    const { tagged } = await alice.command('LIST "" *');
    assert.match(tagged, /^NO \[SERVERBUG\]/);
    assert.ok(!tagged.includes('secret'));
    assert.equal(bed.complaints.length, 1);
  });

  test('mailboxes are made, renamed, subscribed, listed and deleted; refusals carry their codes', async () => {
    await using bed = await openMemoryBed();
    const alice = await bed.login();
    await alice.ok('CREATE Work/');
    await alice.ok('CREATE Work/&AOQ-pfel');
    await alice.ok('CREATE Keep (USE (\\Archive))');
    assert.deepEqual(await alice.ok('LIST "" Work*'), [
      '* LIST (\\HasChildren) "/" Work',
      '* LIST (\\HasNoChildren) "/" Work/&AOQ-pfel',
    ]);
    assert.deepEqual(await alice.ok('LIST Work/ %'), ['* LIST (\\HasNoChildren) "/" Work/&AOQ-pfel']);
    assert.deepEqual(await alice.ok('LIST (SPECIAL-USE) "" K%'), [
      '* LIST (\\HasNoChildren \\Archive) "/" Keep',
    ]);
    assert.deepEqual(await alice.ok('LIST "" ""'), ['* LIST (\\Noselect) "/" ""']);
    assert.deepEqual(await alice.ok('LIST "" inbox'), ['* LIST (\\HasNoChildren) "/" INBOX']);
    assert.match((await alice.command('CREATE Keep')).tagged, /^NO \[ALREADYEXISTS\]/);
    assert.match((await alice.command('DELETE Work')).tagged, /^NO \[HASCHILDREN\]/);
    assert.match((await alice.command('DELETE INBOX')).tagged, /^NO \[CANNOT\]/);
    assert.match((await alice.command('SELECT Nowhere')).tagged, /^NO \[NONEXISTENT\]/);
    assert.match(await alice.append('Nowhere', plain('a')), /^NO \[TRYCREATE\]/);
    await alice.ok('UNSUBSCRIBE Work');
    assert.deepEqual(await alice.ok('LSUB "" Work%'), ['* LSUB (\\Noselect) "/" Work']);
    await alice.ok('RENAME Keep Kept');
    assert.deepEqual(await alice.ok('LIST "" Ke%'), ['* LIST (\\HasNoChildren \\Archive) "/" Kept']);
    await alice.ok('DELETE Kept');
    assert.deepEqual(await alice.ok('NAMESPACE'), ['* NAMESPACE (("" "/")) NIL NIL']);
    assert.deepEqual(await alice.ok('ENABLE CONDSTORE'), ['* ENABLED']);
    assert.match((await alice.ok('ID ("name" "test")'))[0] ?? '', /^\* ID \("name" "Waybill"/);
  });

  test('octets may be asked for many times over in one FETCH; other items are told once', async () => {
    await using bed = await openMemoryBed();
    const alice = await bed.login();
    const large = plain('large', 'x'.repeat(1_000_000));
    await alice.append('INBOX', large);
    await alice.ok('SELECT INBOX');
    const sections = Array.from({ length: 30 }, () => 'BODY.PEEK[]').join(' ');
    const [line] = await alice.ok(`FETCH 1 (UID UID FLAGS ${sections} FLAGS)`);
    assert.equal(line?.split(large).length, 31);
    assert.equal(line?.split('FLAGS').length, 2);
    assert.equal(line?.split('UID').length, 2);
  });

  test('a large message is read from the store once, in however many pieces the client takes it', async () => {
    await using bed = await openMemoryBed();
    const alice = await bed.login();
    await alice.append('INBOX', plain('large', 'x'.repeat(1_000_000)));
    await alice.ok('SELECT INBOX');
    for (let at = 0; at < 1_000_000; at += 65_536)
      assert.match(
        (await alice.ok(`UID FETCH 1 BODY.PEEK[TEXT]<${at}.65536>`))[0] ?? '',
        /BODY\[TEXT\]<\d+> /,
      );
    assert.equal(bed.store.calls.get('message'), 1);
  });

  test('SENTON and its kin go by the day that the Date field says, whatever its zone', async () => {
    await using bed = await openMemoryBed();
    const alice = await bed.login();
    await alice.append('INBOX', 'Date: Thu, 1 Jan 2026 23:30:00 -0800\r\n\r\nlate in the west');
    await alice.append('INBOX', 'Date: Thu, 1 Jan 2026 00:30:00 +0900\r\n\r\nearly in the east');
    await alice.append('INBOX', 'Date: some day\r\n\r\nnever');
    await alice.ok('SELECT INBOX');
    for (const [key, found] of [
      ['SENTON 1-Jan-2026', ' 1 2'],
      ['SENTON 2-Jan-2026', ''],
      ['SENTON 31-Dec-2025', ''],
      ['SENTBEFORE 2-Jan-2026', ' 1 2'],
      ['SENTBEFORE 1-Jan-2026', ''],
      ['SENTSINCE 1-Jan-2026', ' 1 2'],
      ['SENTSINCE 2-Jan-2026', ''],
    ] as const)
      assert.deepEqual(await alice.ok(`SEARCH ${key}`), [`* SEARCH${found}`], key);
  });

  test('a SEARCH of more keys than anybody means is refused', async () => {
    await using bed = await openMemoryBed();
    const alice = await bed.login();
    await alice.append('INBOX', plain('a'));
    await alice.ok('SELECT INBOX');
    const many = (key: string, count: number): string => Array.from({ length: count }, () => key).join(' ');
    assert.match((await alice.command(`SEARCH ${many('ALL', 1_001)}`)).tagged, /^BAD /);
    assert.match((await alice.command(`SEARCH ${many('BODY x', 21)}`)).tagged, /^BAD /);
    await alice.ok(`SEARCH ${many('SUBJECT a', 500)} ${many('TEXT a', 20)}`);
  });

  test('what a client copies or moves to the mailbox that it has open it is told at once', async () => {
    await using bed = await openMemoryBed({ timing: { freshMs: 3_600_000 } });
    const alice = await bed.login();
    await alice.append('INBOX', plain('a'));
    await alice.ok('SELECT INBOX');
    assert.ok((await alice.ok('COPY 1 INBOX')).includes('* 2 EXISTS'));
  });

  test('a mailbox opened by EXAMINE is changed by nothing', async () => {
    await using bed = await openMemoryBed();
    const alice = await bed.login();
    await alice.append('INBOX', plain('a'), '\\Deleted');
    assert.ok((await alice.ok('EXAMINE INBOX')).some((line) => line.includes('[PERMANENTFLAGS ()]')));
    for (const command of ['STORE 1 +FLAGS (\\Seen)', 'EXPUNGE', 'UID EXPUNGE 1', 'MOVE 1 Trash'])
      assert.match((await alice.command(command)).tagged, /^NO \[READ-ONLY\]/, command);
    await alice.ok('COPY 1 Trash');
    await alice.ok('CLOSE');
    assert.match((await alice.ok('STATUS INBOX (MESSAGES RECENT)'))[0] ?? '', /\(MESSAGES 1 RECENT 1\)/);
  });

  test('CLOSE removes what is marked, UNSELECT does not, UID EXPUNGE only what it names', async () => {
    await using bed = await openMemoryBed();
    const alice = await bed.login();
    for (const subject of ['a', 'b', 'c']) await alice.append('INBOX', plain(subject), '\\Deleted');
    await alice.ok('SELECT INBOX');
    await alice.ok('UNSELECT');
    await alice.ok('SELECT INBOX');
    assert.deepEqual(await alice.ok('UID EXPUNGE 2,99'), ['* 2 EXPUNGE']);
    assert.deepEqual(await alice.ok('CLOSE'), []);
    assert.ok((await alice.ok('SELECT INBOX')).includes('* 0 EXISTS'));
  });

  test('a drain says BYE to who waits and to who idles', async () => {
    await using bed = await openMemoryBed();
    const one = await bed.login();
    const two = await bed.login('bob@blue.test');
    await two.ok('SELECT INBOX');
    const tag = two.send('IDLE');
    await two.line();
    const drained = bed.listener.drain(5_000);
    assert.match(await one.line(), /^\* BYE \[UNAVAILABLE\]/);
    assert.match(await two.line(), /^\* BYE \[UNAVAILABLE\]/, tag);
    await Promise.all([one.closed(), two.closed()]);
    one.close();
    two.close();
    await drained;
  });

  test('a client that resets its connection in the middle of anything leaves nothing behind', async () => {
    await using bed = await openMemoryBed({ places: 1 });
    for (const command of ['IDLE', 'FETCH 1 BODY[]', 'APPEND INBOX {100}', 'SELECT INBOX']) {
      const client = await bed.login();
      await client.append('INBOX', plain('a'));
      await client.ok('SELECT INBOX');
      client.send(command);
      client.socket.destroy();
      // The only place of the account is free again: the session is gone altogether.
      for (let tagged = ''; !tagged.startsWith('OK');) {
        const next = await bed.connect();
        ({ tagged } = await next.command('LOGIN alice@red.test secret'));
        if (tagged.startsWith('OK')) await next.ok('LOGOUT');
        else assert.match(tagged, /^NO \[LIMIT\]/);
        next.close();
      }
    }
    assert.deepEqual(
      bed.complaints.filter(({ text }) => text === 'unexpected error'),
      [],
    );
  });
});
