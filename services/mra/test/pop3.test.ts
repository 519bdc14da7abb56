/** POP3 as its clients see it: what each command does, and what it refuses. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AccountPlaces } from '../src/account-places.ts';
import { ACCOUNT, Client, Inbox, JOURNEY, open, PREFIX } from './pop3-bed.ts';

const LETTER = `Received: from x by mx.red.test with ESMTP id ${JOURNEY};\r\n Tue, 24 Nov 2026\r\nSubject: a\r\n\r\n.one\r\ntwo\r\n..\r\nthree\r\n`;

describe('before login', () => {
  test('in clear nothing is offered but TLS, and credentials are refused', async () => {
    const { port } = await open(new Inbox([]), { implicitTls: false });
    const client = await Client.connect(port, false);
    assert.equal(await client.ask('capa'), '+OK Capabilities follow');
    const names = await client.lines();
    assert.ok(
      names.includes('STLS') && !names.includes('USER') && !names.some((name) => name.startsWith('SASL')),
      names.join(),
    );
    assert.equal(await client.ask('USER alice@red.test'), '-ERR Start TLS first');
    assert.equal(await client.ask('AUTH PLAIN AGEAYg=='), '-ERR Start TLS first');
  });

  test('STLS brings TLS, forgets the name said before, and offers login', async () => {
    const { port, events } = await open(new Inbox([]), { implicitTls: false });
    const client = await Client.connect(port, false);
    assert.equal(await client.ask('STLS'), '+OK Begin TLS negotiation');
    await client.startTls();
    await client.ask('CAPA');
    const names = await client.lines();
    assert.ok(
      !names.includes('STLS') &&
        names.includes('USER') &&
        names.includes('SASL PLAIN LOGIN SCRAM-SHA-256 OAUTHBEARER XOAUTH2'),
      names.join(),
    );
    assert.equal(await client.ask('PASS se cret'), '-ERR USER comes first');
    assert.equal(await client.ask('STLS'), '-ERR TLS cannot be started');
    client.say('USER alice@red.test');
    client.say('PASS se cret');
    await client.line();
    assert.equal(await client.line(), '+OK 0 messages, 0 octets');
    assert.deepEqual(events, ['in alice@red.test TLSv1.3']);
  });

  test('octets sent in clear behind STLS end the session', async () => {
    const { port } = await open(new Inbox([]), { implicitTls: false });
    const client = await Client.connect(port, false);
    client.socket.write('STLS\r\nUSER alice@red.test\r\n');
    assert.doesNotMatch(await client.end(), /password/);
  });

  test('AUTH PLAIN with and without an initial response', async () => {
    const { port } = await open(new Inbox(['x']));
    const plain = Buffer.from('\0alice@red.test\0se cret').toString('base64');
    const first = await Client.connect(port);
    assert.equal(await first.ask(`AUTH PLAIN ${plain}`), '+OK 1 messages, 31 octets');
    const second = await Client.connect(port);
    assert.equal(await second.ask('AUTH PLAIN'), '+ ');
    assert.equal(await second.ask('*'), '-ERR Authentication cancelled');
    assert.equal(await second.ask('AUTH plain'), '+ ');
    assert.equal(await second.ask(plain), '+OK 1 messages, 31 octets');
    const third = await Client.connect(port);
    assert.equal(await third.ask('AUTH'), '+OK');
    assert.deepEqual(await third.lines(), ['PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'OAUTHBEARER', 'XOAUTH2']);
    assert.equal(await third.ask('AUTH CRAM-MD5'), '-ERR This mechanism is not offered');
  });

  test('a wrong password and an unknown name get the same answer, and the third is the last', async () => {
    const { port, events } = await open(new Inbox([]));
    const client = await Client.connect(port);
    const denied = '-ERR [AUTH] This name and password do not fit';
    await client.ask('USER alice@red.test');
    assert.equal(await client.ask('PASS wrong'), denied);
    await client.ask('USER nobody@red.test');
    assert.equal(await client.ask('PASS wrong'), denied);
    await client.ask('USER nobody@red.test');
    assert.match(await client.ask('PASS wrong'), /^-ERR \[AUTH\] .* one mistake too many$/);
    assert.equal(await client.end(), '');
    assert.deepEqual(events.slice(0, 2), ['failed alice@red.test denied', 'failed nobody@red.test denied']);
  });

  test('when auth or the store are away the client may try again', async () => {
    const { port, inbox, events } = await open(new Inbox([]));
    const client = await Client.connect(port);
    await client.ask('USER alice@red.test');
    assert.match(await client.ask('PASS later'), /^-ERR \[SYS\/TEMP\]/);
    inbox.broken.set('snapshot', new Error('Connection terminated unexpectedly'));
    await client.ask('USER alice@red.test');
    assert.match(await client.ask('PASS se cret'), /^-ERR \[SYS\/TEMP\]/);
    await client.ask('USER alice@red.test');
    assert.match(await client.ask('PASS se cret'), /^\+OK/);
    assert.deepEqual(events, ['failed alice@red.test try-later', 'outage PASS', 'in alice@red.test TLSv1.3']);
  });

  test('an account has only so many sessions from one address', async () => {
    const { port } = await open(new Inbox([]), { places: new AccountPlaces(1) });
    const first = await Client.loggedIn(port);
    const second = await Client.connect(port);
    await second.ask('USER alice@red.test');
    assert.match(await second.ask('PASS se cret'), /^-ERR \[IN-USE\]/);
    await first.ask('QUIT');
    await first.end();
    await second.ask('USER alice@red.test');
    assert.match(await second.ask('PASS se cret'), /^\+OK/);
  });

  test('a client that leaves while its password is checked leaves its place too', async () => {
    const gates: (() => void)[] = [];
    const asked = Promise.withResolvers<void>();
    const { port, connections } = await open(new Inbox([]), {
      places: new AccountPlaces(1),
      async authenticate() {
        if (gates.length === 0) {
          await new Promise<void>((resolve) => {
            gates.push(resolve);
            asked.resolve();
          });
        }
        return { status: 'ok', account: ACCOUNT };
      },
    });
    const first = await Client.connect(port);
    await first.ask('USER alice@red.test');
    first.say('PASS se cret');
    await asked.promise;
    const left = new Promise<unknown>((resolve) => connections[0]?.onClose(resolve));
    first.socket.destroy();
    await left;
    gates[0]?.();
    await new Promise((resolve) => setImmediate(resolve));
    await Client.loggedIn(port);
  });

  test('commands of the transaction, nonsense and long lines are mistakes', async () => {
    for (const line of ['STAT', 'GET / HTTP/1.1', 'x'.repeat(20_000), 'NOOP\n\r']) {
      const { port } = await open(new Inbox([]));
      const client = await Client.connect(port);
      client.socket.write(`${line}\r\n`.repeat(3));
      const answers = [await client.line(), await client.line(), await client.line()];
      assert.ok(
        answers.every((answer) => answer.startsWith('-ERR ')),
        answers.join(),
      );
      await client.end();
    }
  });
});

describe('the transaction', () => {
  test('numbers, sizes and ids of INBOX as it stood at login', async () => {
    const { port, inbox } = await open(new Inbox(['a', 'bb', 'ccc']));
    const client = await Client.loggedIn(port);
    inbox.messages.push({ uid: 150, body: Buffer.from('late') });
    assert.equal(await client.ask('STAT'), '+OK 3 96');
    assert.equal(await client.ask('LIST'), '+OK 3 sizes follow');
    assert.deepEqual(await client.lines(), ['1 31', '2 32', '3 33']);
    assert.equal(await client.ask('LIST 2'), '+OK 2 32');
    assert.equal(await client.ask('UIDL'), '+OK 3 ids follow');
    assert.deepEqual(await client.lines(), ['1 42.100', '2 42.101', '3 42.102']);
    assert.equal(await client.ask('UIDL 3'), '+OK 3 42.102');
    for (const line of ['LIST 4', 'LIST 0', 'UIDL 4', 'RETR 4', 'DELE 4294967297', 'TOP 9 1']) {
      assert.equal(await client.ask(line), '-ERR There is no such message', line);
    }
    assert.equal(await client.ask('NOOP'), '+OK Still here');
    assert.equal(await client.ask('USER x'), '-ERR You are logged in already');
  });

  test('RETR sends prefix and body octet for octet, and tells the journey once', async () => {
    const { port, events } = await open(new Inbox([LETTER, 'no end of line']));
    const client = await Client.loggedIn(port);
    const whole = PREFIX.toString() + LETTER;
    assert.equal(await client.ask('RETR 1'), `+OK ${whole.length} octets`);
    assert.equal(`${(await client.lines()).join('\r\n')}\r\n`, whole);
    assert.equal(await client.ask('RETR 1'), `+OK ${whole.length} octets`);
    await client.lines();
    await client.ask('RETR 2');
    assert.equal((await client.lines()).at(-1), 'no end of line');
    assert.deepEqual(events.slice(1), [`fetched ${JOURNEY} INBOX 100`, 'fetched undefined INBOX 101']);
  });

  test('TOP sends the header and so many lines', async () => {
    const { port, events } = await open(new Inbox([LETTER]));
    const client = await Client.loggedIn(port);
    await client.ask('TOP 1 0');
    assert.deepEqual((await client.lines()).slice(-2), ['Subject: a', '']);
    await client.ask('TOP 1 1');
    assert.equal((await client.lines()).at(-1), '.one');
    await client.ask('TOP 1 100');
    assert.equal((await client.lines()).at(-1), 'three');
    assert.equal(events.length, 1);
  });

  test('QUIT removes what DELE marked, and only QUIT does', async () => {
    const { port, inbox } = await open(new Inbox(['a', 'bb', 'ccc']));
    const lost = await Client.loggedIn(port);
    await lost.ask('DELE 1');
    lost.socket.destroy();
    const client = await Client.loggedIn(port);
    assert.equal(await client.ask('DELE 1'), '+OK Marked as deleted');
    assert.equal(await client.ask('DELE 1'), '-ERR There is no such message');
    assert.equal(await client.ask('RETR 1'), '-ERR There is no such message');
    assert.equal(await client.ask('STAT'), '+OK 2 65');
    await client.ask('UIDL');
    assert.deepEqual(await client.lines(), ['2 42.101', '3 42.102']);
    assert.equal(await client.ask('RSET'), '+OK 3 messages, 96 octets');
    await client.ask('DELE 3');
    await client.ask('DELE 1');
    assert.equal(await client.ask('QUIT'), '+OK Goodbye');
    assert.deepEqual(inbox.done, ['removed 100,102']);
    await client.end();
    assert.equal(await (await Client.loggedIn(port)).ask('UIDL 1'), '+OK 1 42.101');
  });

  test('QUIT says -ERR when the store could not remove', async () => {
    const { port, inbox } = await open(new Inbox(['a']));
    const client = await Client.loggedIn(port);
    await client.ask('DELE 1');
    inbox.broken.set('remove', new Error('Connection terminated unexpectedly'));
    assert.match(await client.ask('QUIT'), /^-ERR \[SYS\/TEMP\]/);
    await client.end();
    assert.equal(inbox.messages.length, 1);
  });

  test('a store that is away for one RETR, a bug, a message gone meanwhile: the session lives on', async () => {
    const { port, inbox, events } = await open(new Inbox(['a', 'b']));
    const client = await Client.loggedIn(port);
    inbox.broken.set('message', new Error('Connection terminated unexpectedly'));
    assert.match(await client.ask('RETR 1'), /^-ERR \[SYS\/TEMP\]/);
    inbox.broken.set('message', new TypeError('x is not a function'));
    assert.match(await client.ask('RETR 1'), /^-ERR \[SYS\/TEMP\] [^x]*$/);
    inbox.messages.shift();
    assert.equal(await client.ask('RETR 1'), '-ERR Another session has removed this message');
    assert.match(await client.ask('RETR 2'), /^\+OK/);
    await client.lines();
    assert.deepEqual(events.slice(1, 3), ['outage RETR', 'bug RETR']);
  });

  test('pipelined commands are answered in order', async () => {
    const { port } = await open(new Inbox(['a', 'b']));
    const client = await Client.connect(port);
    client.socket.write(
      'USER alice@red.test\r\nPASS se cret\r\nSTAT\r\nRETR 1\r\nDELE 1\r\nLIST\r\nQUIT\r\n',
    );
    assert.match(await client.line(), /password/);
    assert.match(await client.line(), /2 messages/);
    assert.equal(await client.line(), '+OK 2 62');
    assert.match(await client.line(), /31 octets/);
    await client.lines();
    assert.match(await client.line(), /deleted/);
    assert.match(await client.line(), /sizes/);
    assert.deepEqual(await client.lines(), ['2 31']);
    assert.equal(await client.line(), '+OK Goodbye');
    assert.equal(await client.end(), '');
  });

  test('a large message does not pile up in memory before a slow reader', async () => {
    const body = Buffer.alloc(20_000_000, 'all work and no play.\r\n.\r\n');
    const door = await open(new Inbox([body]));
    const client = await Client.loggedIn(door.port);
    const connection = door.connections[0]!;
    const write = connection.write.bind(connection);
    let most = 0;
    connection.write = (data) => {
      const ready = write(data);
      most = Math.max(most, connection.unsent);
      return ready;
    };
    const dots = body.toString('latin1').split('\r\n.').length - 1;
    const status = `+OK ${PREFIX.length + body.length} octets\r\n`;
    await client.count('RETR 1', status.length + PREFIX.length + body.length + dots + '\r\n.\r\n'.length);
    assert.ok(most < 400_000, `${most} octets waited`);
  });
});

describe('the end', () => {
  test('silence ends the session without an answer and without removing', async () => {
    const { port, inbox } = await open(new Inbox(['a']), {
      tickMs: 5,
      timers: { autologout: 20, beforeLogin: 10_000 },
    });
    const client = await Client.loggedIn(port);
    assert.equal(await client.ask('DELE 1'), '+OK Marked as deleted');
    assert.equal(await client.end(), '');
    assert.equal(inbox.messages.length, 1);
  });

  test('silence before login ends it sooner', async () => {
    const { port } = await open(new Inbox([]), { tickMs: 5, timers: { beforeLogin: 200 } });
    const client = await Client.connect(port);
    assert.equal(await client.end(), '');
  });

  test('a client that takes nothing of a long answer is not kept for ever', async () => {
    const body = Buffer.alloc(20_000_000, 'x');
    const door = await open(new Inbox([body]), { tickMs: 5, timers: { autologout: 400 } });
    const client = await Client.loggedIn(door.port);
    const gone = new Promise<string>((resolve) => door.connections[0]!.onClose(resolve));
    client.say('RETR 1');
    client.socket.pause();
    assert.equal(await gone, 'the client takes no more octets');
  });

  test('draining ends sessions at a boundary, and waits for QUIT where something is marked', async () => {
    const door = await open(new Inbox(['a']));
    const idle = await Client.loggedIn(door.port);
    const deleting = await Client.loggedIn(door.port);
    await deleting.ask('DELE 1');
    const drained = door.listener.drain(10_000);
    assert.equal(await idle.end(), '');
    assert.equal(await deleting.ask('QUIT'), '+OK Goodbye');
    await drained;
    assert.equal(door.inbox.messages.length, 0);
  });
});
