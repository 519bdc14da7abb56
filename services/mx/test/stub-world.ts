/** mx's door with a directory and a spool made of values. */
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { Account, Auth, Resolution } from '@waybill/auth-client';
import { playTranscript } from '@waybill/lab';
import { isInner, type Listener, Networks } from '@waybill/listener';
import type { Draft } from '@waybill/spool';
import { type Custody, spoolCustody } from '@waybill/custody';
import { openDoor } from '../src/door.ts';
import type { Events } from '../src/events.ts';
import { DnsLists, parseDnsLists } from '../src/gate/dns-lists.ts';
import type { Gate } from '../src/gate/gate.ts';
import { LostAddress } from '../src/gate/lost-address.ts';
import { Rates } from '../src/gate/rates.ts';
import { factsLine } from '../src/phases/facts.ts';
import { writtenBy } from '../src/results.ts';
import { DEFAULT_POLICY } from '../src/phases/verdict.ts';
import { ScriptedChecks } from './scripted-checks.ts';

export const account = (accountId: string, address: string): Account => ({
  accountId,
  address,
  quotaBytes: 0,
  quotaMessages: 0,
});

const bob = account('7', 'bob@blue.test');
const carol = account('8', 'carol@blue.test');

const DIRECTORY = new Map<string, Resolution>([
  ['bob@blue.test', { status: 'mailbox', account: bob, route: 'mx' }],
  ['bob+tag@blue.test', { status: 'mailbox', account: bob, route: 'mx' }],
  ['bob@[127.0.0.1]', { status: 'mailbox', account: bob, route: 'local' }],
  ['bob@mx.blue.test', { status: 'mailbox', account: bob, route: 'local' }],
  ['postmaster', { status: 'mailbox', account: carol, route: 'mx' }],
  [
    'dora@dovecot.test',
    { status: 'mailbox', account: account('9', 'dora@dovecot.test'), route: 'lmtp://dovecot:24' },
  ],
  [
    'team@blue.test',
    {
      status: 'alias',
      route: 'mx',
      targets: [
        { address: 'bob@blue.test', account: bob },
        { address: 'carol@blue.test', account: carol },
        { address: 'guest@elsewhere.test' },
      ],
    },
  ],
  ['later@blue.test', { status: 'try-later' }],
  [
    'easy@blue.test',
    {
      status: 'mailbox',
      account: account('10', 'easy@blue.test'),
      route: 'mx',
      policy: { onReject: 'junk', onQuarantine: 'accept' },
    },
  ],
]);
const OURS = new Set(['blue.test', 'dovecot.test', 'mx.blue.test', '[127.0.0.1]']);

/** Answers as auth would for a small directory. */
export class StubAuth implements Auth {
  authenticate(): Promise<never> {
    throw new Error('mx has nobody to authenticate');
  }
  resolve(addresses: readonly string[]): Promise<readonly Resolution[]> {
    return Promise.all(addresses.map((address) => this.resolveOne(address)));
  }
  resolveOne(address: string): Promise<Resolution> {
    const ours = OURS.has(address.slice(address.lastIndexOf('@') + 1));
    return Promise.resolve(DIRECTORY.get(address) ?? { status: ours ? 'unknown' : 'not-ours' });
  }
  route(domain: string): Promise<{ ours: boolean; route: string }> {
    return Promise.resolve({ ours: OURS.has(domain), route: 'mx' });
  }
  maySend(): Promise<never> {
    throw new Error('mx asks for no senders');
  }
}

export interface World extends AsyncDisposable {
  readonly listener: Listener;
  readonly drafts: Draft[];
  readonly kicks: string[];
  readonly events: string[];
  readonly checks: ScriptedChecks;
  /** The next accept() fails. */
  spoolFails: boolean;
  /** What a ban says of everybody. */
  ban: string | undefined;
  /** Unix time in ms; for good when undefined. */
  banEnds: number | undefined;
  play(script: string): Promise<ReadonlyMap<string, string>>;
}

/** Nothing is asked and nothing is limited, unless a test says so. */
export async function startWorld(
  maxMessageBytes = 100_000,
  custody?: Custody,
  gate: Partial<Gate> = {},
  proxyFrom = new Networks(''),
): Promise<World> {
  const checks = new ScriptedChecks();
  const drafts: Draft[] = [];
  const kicks: string[] = [];
  const said: string[] = [];
  const events: Events = {
    accepted: ({ draft, messageId }) => said.push(`accepted ${draft.id} ${messageId}`),
    judged: (_envelope, _messageId, _peer, facts, verdict) => {
      if (verdict.reason !== 'nothing known against it')
        said.push(`${verdict.action}: ${verdict.reason} [${factsLine(facts)}]`);
    },
    listed: (_envelope, _peer, _lists, found) => said.push(`${found.action}: ${found.reason}`),
    clientAddress: (change, address) => said.push(`${address} ${change}`),
    selfTest: ({ kind, answer }) => said.push(`self-test ${kind}: ${answer}`),
    listTrouble: (zone, answer) => said.push(`${zone} ${answer}`),
    notKept: (_envelope, _peer, error) => said.push(`not kept: ${(error as Error).message}`),
    messageRefused: (_envelope, _peer, answer) => said.push(`refused ${answer.enhanced}`),
    recipientRefused: (_envelope, recipient, _peer, answer) => said.push(`${recipient} ${answer.enhanced}`),
    transcript: (id) => said.push(`transcript of ${id ?? 'nothing'}`),
    connectionRefused: (why, _address, text) => said.push(text === undefined ? why : `${why}: ${text}`),
    authTrouble: () => undefined,
    sessionError: (error) => said.push(`bug: ${(error as Error).message}`),
  };
  const world: { spoolFails: boolean; ban: string | undefined; banEnds: number | undefined } = {
    spoolFails: false,
    ban: undefined,
    banEnds: undefined,
  };
  const listener = await openDoor({
    host: '127.0.0.1',
    port: 0,
    tickMs: 10,
    proxyFrom,
    maxMessageBytes,
    maxRecipients: 100,
    bodiesInFlight: 10_000_000,
    bareLineEnds: 'refuse',
    transcripts: 'failures',
    session: {
      hostname: 'mx.blue.test',
      auth: new StubAuth(),
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
      gate: {
        checks,
        lists: new DnsLists({
          names: { lookup: () => Promise.resolve({ kind: 'nxdomain' }) },
          block: parseDnsLists('', ''),
          allow: [],
          onTrouble: (zone, answer) => said.push(`${zone} ${answer}`),
        }),
        lost: new LostAddress({ connections: 0, standIn: isInner }),
        bans: {
          banOf: () =>
            world.ban === undefined
              ? undefined
              : { reason: world.ban, until: world.banEnds ?? Number.POSITIVE_INFINITY },
        },
        connections: new Rates(0),
        messages: new Rates(0),
        unlimited: new Networks(''),
        policy: DEFAULT_POLICY,
        patienceMs: 10_000,
        ...gate,
      },
      written: writtenBy('mx.blue.test'),
      events,
    },
  });
  const connect = (): Duplex => net.connect(listener.port, '127.0.0.1');
  return Object.assign(world, {
    listener,
    checks,
    drafts,
    kicks,
    events: said,
    play: (script: string) => playTranscript(script, { connect }),
    [Symbol.asyncDispose]: () => listener.drain(100),
  });
}
