/** An IMAP server on a free port over any ReaderStore, with two users and a short temper, for tests. */
import { CertificateAuthority } from '@waybill/lab';
import { type Listener, openListener, TlsContexts } from '@waybill/listener';
import { type AuthenticateResponse, SASL_MECHANISMS, type SaslMechanism } from '@waybill/auth-client';
import type { ChangeSignal, ReaderStore } from '@waybill/mailstore';
import type { JourneyEvent } from '@waybill/journey';
import { AccountPlaces } from '../src/account-places.ts';
import { Events } from '../src/events.ts';
import { serveImap } from '../src/imap/connection.ts';
import { LargeMessages } from '../src/imap/large-messages.ts';
import { MailboxCache } from '../src/imap/mailbox-cache.ts';
import { DEFAULT_TIMING, type Surroundings, type Timing } from '../src/imap/session.ts';
import { Summaries } from '../src/imap/summaries.ts';
import { ImapClient } from './imap-client.ts';
import { MemorySignal } from './memory-signal.ts';
import { MemoryStore } from './memory-store.ts';
import { type ScriptedSasl, scriptedSasl } from './scripted-sasl.ts';

export const ACCOUNTS = new Map([
  ['alice@red.test', '1'],
  ['bob@blue.test', '2'],
]);

export interface BedOptions<Store extends ReaderStore> {
  readonly store: Store;
  readonly signal?: ChangeSignal;
  readonly timing?: Partial<Timing>;
  readonly places?: number;
  /** What auth says; by default the password is "secret". */
  readonly authenticate?: (username: string, password: string) => AuthenticateResponse;
  /** By default all of them. */
  readonly mechanisms?: readonly SaslMechanism[];
}

export interface Bed<Store extends ReaderStore> extends AsyncDisposable {
  readonly store: Store;
  readonly ca: string;
  readonly around: Surroundings;
  readonly listener: Listener;
  /** With STARTTLS. */
  readonly port: number;
  /** With TLS. */
  readonly tlsPort: number;
  readonly journey: JourneyEvent[];
  /** What auth was asked within SASL exchanges; it says yes to alice. */
  readonly sasl: ScriptedSasl;
  /** Lines at warn and error level. */
  readonly complaints: { readonly fields: unknown; readonly text: string }[];
  connect(): Promise<ImapClient>;
  /** Connected and logged in. */
  login(username?: string): Promise<ImapClient>;
}

let authority: Promise<{ ca: string; tls: TlsContexts }> | undefined;

async function certificates(): Promise<{ ca: string; tls: TlsContexts }> {
  const ca = await CertificateAuthority.create('test');
  const issued = await ca.issue(['localhost']);
  return { ca: ca.certificate, tls: new TlsContexts({ cert: issued.certificate, key: issued.key }) };
}

function byPassword(username: string, password: string): AuthenticateResponse {
  const accountId = ACCOUNTS.get(username);
  if (accountId === undefined || password !== 'secret') return { status: 'denied' };
  return { status: 'ok', account: { accountId, address: username, quotaBytes: 0, quotaMessages: 0 } };
}

export async function openBed<Store extends ReaderStore>(options: BedOptions<Store>): Promise<Bed<Store>> {
  const { ca, tls } = await (authority ??= certificates());
  const journey: JourneyEvent[] = [];
  const complaints: { fields: unknown; text: string }[] = [];
  const complain = (fields: unknown, text: string): void => void complaints.push({ fields, text });
  const quiet = (): void => undefined;
  const events = new Events(
    { debug: quiet, info: quiet, warn: complain, error: complain },
    { counter: () => ({ inc: quiet }) },
    { record: (event) => void journey.push(event), transcript: quiet, close: () => Promise.resolve() },
  );
  const { store } = options;
  const sasl = scriptedSasl({ accountId: '1', address: 'alice@red.test', quotaBytes: 0, quotaMessages: 0 });
  const authenticate = options.authenticate ?? byPassword;
  const summaries = new Summaries(store, 10_000_000);
  const around: Surroundings = {
    store,
    signal: options.signal ?? new MemorySignal(),
    auth: {
      authenticate: ({ username, password }) => Promise.resolve(authenticate(username, password)),
      sasl: (request) => sasl.sasl(request),
    },
    mechanisms: options.mechanisms ?? SASL_MECHANISMS,
    events,
    summaries,
    largeMessages: new LargeMessages(store, 10_000_000),
    cache: new MailboxCache(store, summaries, 10_000_000),
    places: new AccountPlaces(options.places ?? 20),
    timing: { ...DEFAULT_TIMING, failureMs: 1, freshMs: 0, ...options.timing },
    hostname: 'mra.red.test',
    version: '0.0.0',
    maxAppend: 10_000_000,
  };
  const door = (implicitTls: boolean): Promise<Listener> =>
    openListener({
      host: '127.0.0.1',
      port: 0,
      tls,
      implicitTls,
      tickMs: 10,
      onConnection: (connection) => serveImap(connection, around),
    });
  const listener = await door(false);
  const secure = await door(true);
  const clients: ImapClient[] = [];
  const connect = async (): Promise<ImapClient> => {
    const client = await ImapClient.secure(secure.port, ca);
    clients.push(client);
    return client;
  };
  return {
    store,
    ca,
    around,
    listener: secure,
    port: listener.port,
    tlsPort: secure.port,
    journey,
    sasl,
    complaints,
    connect,
    async login(username = 'alice@red.test') {
      const client = await connect();
      await client.ok(`LOGIN ${username} secret`);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      await Promise.all([listener.drain(1000), secure.drain(1000)]);
    },
  };
}

export function openMemoryBed(
  options: Omit<BedOptions<MemoryStore>, 'store'> = {},
): Promise<Bed<MemoryStore>> {
  return openBed({ store: new MemoryStore(), ...options });
}

/** A message of two parts, for FETCH. */
export const TWO_PARTS = [
  'From: Fred =?utf-8?Q?F=C3=B6=C3=B6?= <fred@red.test>',
  'To: bob@blue.test',
  'Subject: two parts',
  'Date: Mon, 6 Jan 2025 10:00:00 +0000',
  'Message-ID: <two@red.test>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  'preamble',
  '--b',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'the first part',
  '--b',
  'Content-Type: text/html',
  'Content-Description: second',
  '',
  '<p>the second</p>',
  '--b--',
  '',
].join('\r\n');

export function plain(subject: string, body = 'hello'): string {
  return `From: carol@red.test\r\nTo: bob@blue.test\r\nSubject: ${subject}\r\nDate: Tue, 7 Jan 2025 10:00:00 +0000\r\nMessage-ID: <${subject.replaceAll(' ', '-')}@red.test>\r\n\r\n${body}\r\n`;
}
