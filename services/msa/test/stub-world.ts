/** msa's doors with a directory and a spool made of values. */
import net, { type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type {
  Account,
  Auth,
  AuthenticateRequest,
  AuthenticateResponse,
  Resolution,
  Sasl,
  SaslMechanism,
  SaslRequest,
  SaslResponse,
  SpendRequest,
  Spending,
  SpendResponse,
} from '@waybill/auth-client';
import { CertificateAuthority, playTranscript } from '@waybill/lab';
import { type Listener, TlsContexts } from '@waybill/listener';
import { BodyBudget } from '@waybill/smtp/server';
import type { Draft } from '@waybill/spool';
import { type Custody, spoolCustody } from '@waybill/custody';
import { openDoor } from '../src/door.ts';
import type { Events } from '../src/events.ts';

const account = (accountId: string, address: string): Account => ({
  accountId,
  address,
  quotaBytes: 0,
  quotaMessages: 0,
});
const alice = account('1', 'alice@red.test');
const ann = account('3', 'ann@local.test');

const DIRECTORY = new Map<string, Resolution>([
  ['alice@red.test', { status: 'mailbox', account: alice, route: 'mx' }],
  ['ann@local.test', { status: 'mailbox', account: ann, route: 'local' }],
  ['ann@dovecot.test', { status: 'mailbox', account: ann, route: 'lmtp://dovecot:24' }],
  ['postmaster', { status: 'mailbox', account: alice, route: 'mx' }],
  [
    'team@red.test',
    { status: 'alias', route: 'mx', targets: [{ address: 'alice@red.test', account: alice }] },
  ],
  [
    'all@local.test',
    {
      status: 'alias',
      route: 'local',
      targets: [
        { address: 'alice@red.test', account: alice },
        { address: 'ann@local.test', account: ann },
        { address: 'guest@elsewhere.test' },
      ],
    },
  ],
  ['later@red.test', { status: 'try-later' }],
]);
const ROUTES = new Map([
  ['red.test', 'mx'],
  ['local.test', 'local'],
  ['dovecot.test', 'lmtp://dovecot:24'],
]);
const SENDERS = new Set(['alice@red.test', 'sales@red.test', '"a b"@red.test']);

class StubAuth implements Auth, Sasl, Spending {
  readonly asked: SaslRequest[] = [];
  readonly spent: SpendRequest[] = [];
  readonly senders: (readonly string[])[] = [];
  spends: SpendResponse = { status: 'ok' };

  /** SCRAM's three responses, a token, and trouble. */
  sasl(request: SaslRequest): Promise<SaslResponse> {
    this.asked.push(request);
    return Promise.resolve(saslAnswer(request));
  }
  spend(request: SpendRequest): Promise<SpendResponse> {
    this.spent.push(request);
    return Promise.resolve(this.spends);
  }
  authenticate({ username, password }: AuthenticateRequest): Promise<AuthenticateResponse> {
    if (username === 'busy@red.test') return Promise.resolve({ status: 'try-later' });
    const right = username === 'alice@red.test' && password === 'sesame';
    return Promise.resolve(right ? { status: 'ok', account: alice } : { status: 'denied' });
  }
  resolve(addresses: readonly string[]): Promise<readonly Resolution[]> {
    return Promise.all(addresses.map((address) => this.resolveOne(address)));
  }
  resolveOne(address: string): Promise<Resolution> {
    const ours = ROUTES.has(address.slice(address.lastIndexOf('@') + 1));
    return Promise.resolve(DIRECTORY.get(address) ?? { status: ours ? 'unknown' : 'not-ours' });
  }
  route(domain: string): Promise<{ ours: boolean; route: string }> {
    return Promise.resolve({ ours: ROUTES.has(domain), route: ROUTES.get(domain) ?? 'mx' });
  }
  maySend(
    accountId: string,
    addresses: readonly string[],
  ): Promise<readonly boolean[] | { status: 'try-later' }> {
    this.senders.push(addresses);
    if (addresses.includes('later@red.test')) return Promise.resolve({ status: 'try-later' });
    return Promise.resolve(addresses.map((address) => accountId === '1' && SENDERS.has(address)));
  }
}

function saslAnswer({ mechanism, response, state }: SaslRequest): SaslResponse {
  const text = Buffer.from(response ?? '', 'base64').toString();
  if (text === 'away') return { status: 'try-later' };
  if (text === 'nonsense') return { status: 'malformed' };
  if (mechanism !== 'SCRAM-SHA-256') {
    if (state !== undefined) return { status: 'denied' };
    return text === 'good token'
      ? { status: 'ok', account: alice }
      : { status: 'challenge', challenge: base64('{"status":"invalid_token"}'), state: 'refused' };
  }
  if (response === undefined) return { status: 'challenge', challenge: '', state: 'begun' };
  if (state === undefined || state === 'begun')
    return { status: 'challenge', challenge: base64(`server of ${text}`), state: `sealed ${text}` };
  if (state.startsWith('sealed'))
    return text === 'proof'
      ? { status: 'challenge', challenge: base64('v=server'), state: 'proved' }
      : { status: 'denied' };
  return text === '' ? { status: 'ok', account: alice } : { status: 'malformed' };
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

export interface World extends AsyncDisposable {
  readonly auth: StubAuth;
  readonly listener: Listener;
  readonly drafts: Draft[];
  readonly kicks: string[];
  readonly events: string[];
  readonly transcripts: string[];
  spoolFails: boolean;
  play(script: string): Promise<ReadonlyMap<string, string>>;
}

const authority = await CertificateAuthority.create('msa test');
const issued = await authority.issue(['localhost']);
const contexts = new TlsContexts({ cert: issued.certificate, key: issued.key });

export interface WorldOptions {
  readonly mechanisms?: readonly SaslMechanism[];
  /** Why an address is banned. */
  readonly banned?: string;
}

/** @param implicitTls as on port 465; else as on 587 */
export async function startWorld(
  implicitTls = true,
  custody?: Custody,
  { mechanisms = ['PLAIN', 'LOGIN'], banned }: WorldOptions = {},
): Promise<World> {
  const auth = new StubAuth();
  const drafts: Draft[] = [];
  const kicks: string[] = [];
  const said: string[] = [];
  const transcripts: string[] = [];
  const events: Events = {
    authenticated: (address, mechanism) => said.push(`authenticated ${address} ${mechanism}`),
    notAuthenticated: (_name, _mechanism, _peer, answer) => said.push(`not authenticated ${answer.enhanced}`),
    accepted: ({ draft }) => said.push(`accepted ${draft.id}`),
    notKept: (_id, _peer, error) => said.push(`not kept: ${(error as Error).message}`),
    messageRefused: (_id, _from, _peer, answer) => said.push(`refused ${answer.enhanced}`),
    limited: (_id, account, why, _peer, answer) =>
      said.push(`limited ${account} ${why.status} ${answer.enhanced}`),
    banned: (address, reason) => said.push(`banned ${address}: ${reason}`),
    recipientRefused: (_id, recipient, _peer, answer) => said.push(`${recipient} ${answer.enhanced}`),
    transcript: (_id, text) => transcripts.push(text),
    connectionRefused: (why) => said.push(why),
    authTrouble: () => undefined,
    sessionError: (error) => said.push(`bug: ${(error as Error).message}`),
  };
  const world: { spoolFails: boolean } = { spoolFails: false };
  const listener = await openDoor({
    host: '127.0.0.1',
    port: 0,
    tickMs: 10,
    tls: contexts,
    implicitTls,
    maxMessageBytes: 100_000,
    maxRecipients: 100,
    budget: new BodyBudget(10_000_000),
    bans: { reasonFor: () => banned },
    transcripts: 'all',
    session: {
      hostname: 'msa.red.test',
      auth,
      mechanisms,
      custody:
        custody ??
        spoolCustody(
          {
            accept: async (draft) => {
              await new Promise((resolve) => setImmediate(resolve));
              if (world.spoolFails) throw new Error('the database is away');
              drafts.push(draft);
            },
          },
          { kick: (destination) => void kicks.push(destination) },
        ),
      events,
    },
  });
  const secure = (plain: Duplex): Promise<Duplex> =>
    new Promise((resolve, reject) => {
      const socket = tls.connect(
        { socket: plain as Socket, ca: authority.certificate, servername: 'localhost' },
        () => resolve(socket),
      );
      socket.on('error', reject);
    });
  const connect = (): Duplex | Promise<Duplex> => {
    const socket = net.connect(listener.port, '127.0.0.1');
    return implicitTls ? secure(socket) : socket;
  };
  return Object.assign(world, {
    auth,
    listener,
    drafts,
    kicks,
    events: said,
    transcripts,
    play: (script: string) => playTranscript(script, { connect, secure }),
    [Symbol.asyncDispose]: () => listener.drain(100),
  });
}
