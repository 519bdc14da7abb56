/** POP3 as its clients see it: real sockets, real TLS, a mail store of a few messages in memory. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import { CertificateAuthority } from '@waybill/lab';
import { openListener, TlsContexts, type Connection, type Listener } from '@waybill/listener';
import type { MailboxInfo, MailboxSnapshot } from '@waybill/mailstore';
import { AccountPlaces } from '../src/account-places.ts';
import type { MaildropStore } from '../src/pop3/maildrop.ts';
import { servePop3 } from '../src/pop3/serve-pop3.ts';
import type { Pop3Deps } from '../src/pop3/session.ts';

const ACCOUNT = { accountId: '1', address: 'alice@red.test', quotaBytes: 0, quotaMessages: 0 };
const PREFIX = Buffer.from('Return-Path: <bob@blue.test>\r\n');
const JOURNEY = '0191e7a0-0000-7000-8000-000000000001';

interface Message {
  readonly uid: number;
  readonly body: Buffer;
}

/** INBOX of one account, and what was done to it. */
class Inbox implements MaildropStore {
  messages: Message[];
  readonly done: string[] = [];
  /** What the next call of a method throws. */
  readonly broken = new Map<string, Error>();

  constructor(bodies: readonly (string | Buffer)[]) {
    this.messages = bodies.map((body, index) => ({ uid: 100 + index, body: Buffer.from(body) }));
  }

  async openAccount(): Promise<void> {
    this.#may('openAccount');
  }

  async findMailbox(accountId: string, name: string): Promise<MailboxInfo> {
    this.#may('findMailbox');
    assert.deepEqual([accountId, name], ['1', 'INBOX']);
    return this.#info();
  }

  async snapshot(_accountId: string, _mailboxId: number, claimRecent: boolean): Promise<MailboxSnapshot> {
    this.#may('snapshot');
    assert.equal(claimRecent, false);
    const columns = { flags: [], keywords: [], modseqs: [], internalDates: [], modseq: 1 };
    return {
      ...columns,
      info: this.#info(),
      uids: this.messages.map((message) => message.uid),
      emailIds: this.messages.map((message) => String(message.uid)),
      sizes: this.messages.map((message) => PREFIX.length + message.body.length),
    };
  }

  async message(accountId: string, emailId: string): ReturnType<MaildropStore['message']> {
    this.#may('message');
    assert.equal(accountId, '1');
    const found = this.messages.find((message) => String(message.uid) === emailId);
    return found && { emailId, prefix: PREFIX, body: found.body, summary: Buffer.alloc(0) };
  }

  async remove(
    _accountId: string,
    mailboxId: number,
    uids: readonly number[],
  ): ReturnType<MaildropStore['remove']> {
    this.#may('remove');
    assert.equal(mailboxId, 7);
    this.messages = this.messages.filter((message) => !uids.includes(message.uid));
    this.done.push(`removed ${uids.join(',')}`);
    return { modseq: 2, uids: [...uids] };
  }

  #may(method: string): void {
    const error = this.broken.get(method);
    this.broken.delete(method);
    if (error !== undefined) throw error;
  }

  #info(): MailboxInfo {
    const counts = {
      uidNext: 200,
      highestModseq: 1,
      messages: this.messages.length,
      unseen: 0,
      recentFrom: 1,
    };
    return { mailboxId: 7, name: 'INBOX', specialUse: null, subscribed: true, uidValidity: 42, ...counts };
  }
}

let contexts: TlsContexts;
let ca: string;
before(async () => {
  const authority = await CertificateAuthority.create('test');
  const issued = await authority.issue(['mra.test']);
  ca = authority.certificate;
  contexts = new TlsContexts({ cert: issued.certificate, key: issued.key });
});

const opened: AsyncDisposable[] = [];
const clients: Client[] = [];
after(async () => {
  for (const client of clients) client.socket.destroy();
  for (const listener of opened) await listener[Symbol.asyncDispose]();
});

interface Door {
  readonly listener: Listener;
  readonly port: number;
  readonly inbox: Inbox;
  readonly events: string[];
  readonly connections: Connection[];
}

async function open(
  inbox: Inbox,
  options: Partial<Pop3Deps> & { readonly implicitTls?: boolean; readonly tickMs?: number } = {},
): Promise<Door> {
  const events: string[] = [];
  const connections: Connection[] = [];
  const { implicitTls = true, tickMs = 1_000, ...overrides } = options;
  const deps: Pop3Deps = {
    hostname: 'mra.test',
    store: inbox,
    timers: { failedLogin: 0 },
    authenticate: async (username, password) => {
      if (password === 'later') return { status: 'try-later' };
      return username === 'alice@red.test' && password === 'se cret'
        ? { status: 'ok', account: ACCOUNT }
        : { status: 'denied' };
    },
    events: {
      opened: () => undefined,
      closed: (session) => void events.push(`closed ${session.username ?? '-'}`),
      loggedIn: (session) => void events.push(`in ${session.username} ${session.tls}`),
      loginFailed: (_session, username, why) => void events.push(`failed ${username} ${why}`),
      command: () => undefined,
      outage: (_session, doing) => void events.push(`outage ${doing}`),
      bug: (_session, doing) => void events.push(`bug ${doing}`),
      fetched: (_session, journeyId, mailbox, uid) =>
        void events.push(`fetched ${journeyId} ${mailbox} ${uid}`),
    },
    ...overrides,
  };
  const listener = await openListener({
    host: '127.0.0.1',
    port: 0,
    tls: contexts,
    implicitTls,
    tickMs,
    onConnection: (connection) => {
      connections.push(connection);
      servePop3(connection, deps);
    },
  });
  opened.push(listener);
  return { listener, port: listener.port, inbox, events, connections };
}

/** A client that waits for what it wants to read. */
class Client {
  socket: net.Socket;
  #text = '';
  #closed = false;
  #changed: () => void = () => undefined;

  constructor(socket: net.Socket) {
    this.socket = socket;
    this.#listen();
    clients.push(this);
  }

  static async connect(port: number, secure = true): Promise<Client> {
    const socket = secure
      ? tls.connect({ host: '127.0.0.1', port, ca, servername: 'mra.test' })
      : net.connect(port, '127.0.0.1');
    const client = new Client(socket);
    assert.equal(await client.line(), '+OK mra.test Waybill POP3 ready');
    return client;
  }

  static async loggedIn(port: number): Promise<Client> {
    const client = await Client.connect(port);
    client.say('USER alice@red.test');
    client.say('PASS se cret');
    await client.line();
    assert.match(await client.line(), /^\+OK/);
    return client;
  }

  #listen(): void {
    this.socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#changed();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.#closed = true;
      this.#changed();
    });
  }

  async startTls(): Promise<void> {
    this.socket.removeAllListeners();
    this.socket = tls.connect({ socket: this.socket, ca, servername: 'mra.test' });
    this.#listen();
    await once(this.socket, 'secureConnect');
  }

  say(line: string): void {
    this.socket.write(`${line}\r\n`);
  }

  async #until(mark: string, from = 0): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf(mark, from);
      if (end !== -1) {
        const found = this.#text.slice(0, end + mark.length);
        this.#text = this.#text.slice(end + mark.length);
        return found;
      }
      assert.equal(this.#closed, false, `closed after ${JSON.stringify(this.#text)}`);
      await new Promise<void>((resolve) => (this.#changed = resolve));
    }
  }

  async line(): Promise<string> {
    return (await this.#until('\r\n')).slice(0, -2);
  }

  async ask(line: string): Promise<string> {
    this.say(line);
    return this.line();
  }

  /** The lines behind a status line up to the end mark, dots removed. */
  async lines(): Promise<string[]> {
    const lines: string[] = [];
    for (let line = await this.line(); line !== '.'; line = await this.line()) {
      lines.push(line.startsWith('.') ? line.slice(1) : line);
    }
    return lines;
  }

  /** Asks, and counts octets until the answer's end mark; there must be `octets` of them. */
  async count(line: string, octets: number): Promise<void> {
    this.socket.removeAllListeners('data');
    this.say(line);
    let counted = 0;
    for await (const chunk of this.socket as AsyncIterable<Buffer>) {
      counted += chunk.length;
      if (chunk.toString('latin1').endsWith('\r\n.\r\n') && counted >= octets) break;
    }
    assert.equal(counted, octets);
  }

  /** Nothing more comes: the text since the last line read. */
  async end(): Promise<string> {
    while (!this.#closed) await new Promise<void>((resolve) => (this.#changed = resolve));
    return this.#text;
  }
}

const LETTER = `Received: from x by mx.red.test with ESMTP id ${JOURNEY};\r\n Tue, 24 Nov 2026\r\nSubject: a\r\n\r\n.one\r\ntwo\r\n..\r\nthree\r\n`;

describe('before login', () => {
  test('in clear nothing is offered but TLS, and credentials are refused', async () => {
    const { port } = await open(new Inbox([]), { implicitTls: false });
    const client = await Client.connect(port, false);
    assert.equal(await client.ask('capa'), '+OK Capabilities follow');
    const names = await client.lines();
    assert.ok(
      names.includes('STLS') && !names.includes('USER') && !names.includes('SASL PLAIN'),
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
      !names.includes('STLS') && names.includes('USER') && names.includes('SASL PLAIN'),
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
    assert.deepEqual(await third.lines(), ['PLAIN']);
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
    const { port } = await open(new Inbox([]), { tickMs: 5, timers: { beforeLogin: 20 } });
    const client = await Client.connect(port);
    assert.equal(await client.end(), '');
  });

  test('a client that takes nothing of a long answer is not kept for ever', async () => {
    const body = Buffer.alloc(20_000_000, 'x');
    const door = await open(new Inbox([body]), { tickMs: 5, timers: { autologout: 20 } });
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
