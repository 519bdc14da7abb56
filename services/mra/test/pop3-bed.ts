/** POP3 as its clients see it: real sockets, real TLS, a mail store of a few messages in memory. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before } from 'node:test';
import tls from 'node:tls';
import { type AuthenticateRequest, type AuthenticateResponse, SASL_MECHANISMS } from '@waybill/auth-client';
import { CertificateAuthority } from '@waybill/lab';
import { openListener, TlsContexts, type Connection, type Listener } from '@waybill/listener';
import type { MailboxInfo, MailboxSnapshot } from '@waybill/mailstore';
import type { MaildropStore } from '../src/pop3/maildrop.ts';
import { servePop3 } from '../src/pop3/serve-pop3.ts';
import type { Pop3Deps } from '../src/pop3/session.ts';
import { scriptedSasl } from './scripted-sasl.ts';

export const ACCOUNT = { accountId: '1', address: 'alice@red.test', quotaBytes: 0, quotaMessages: 0 };
export const PREFIX = Buffer.from('Return-Path: <bob@blue.test>\r\n');
export const JOURNEY = '0191e7a0-0000-7000-8000-000000000001';

export interface Message {
  readonly uid: number;
  readonly body: Buffer;
}

/** INBOX of one account, and what was done to it. */
export class Inbox implements MaildropStore {
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

export let contexts: TlsContexts;
export let ca: string;
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

export interface Door {
  readonly listener: Listener;
  readonly port: number;
  readonly inbox: Inbox;
  readonly events: string[];
  readonly connections: Connection[];
}

async function byPassword({ username, password }: AuthenticateRequest): Promise<AuthenticateResponse> {
  if (password === 'later') return { status: 'try-later' };
  return username === 'alice@red.test' && password === 'se cret'
    ? { status: 'ok', account: ACCOUNT }
    : { status: 'denied' };
}

export async function open(
  inbox: Inbox,
  options: Partial<Pop3Deps> & {
    readonly implicitTls?: boolean;
    readonly tickMs?: number;
    readonly authenticate?: () => Promise<AuthenticateResponse>;
  } = {},
): Promise<Door> {
  const events: string[] = [];
  const connections: Connection[] = [];
  const { implicitTls = true, tickMs = 1_000, authenticate = byPassword, ...overrides } = options;
  const sasl = scriptedSasl(ACCOUNT);
  const deps: Pop3Deps = {
    hostname: 'mra.test',
    store: inbox,
    timers: { failedLogin: 0 },
    auth: { authenticate, sasl: (request) => sasl.sasl(request) },
    mechanisms: SASL_MECHANISMS,
    events: {
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
export class Client {
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
