import {
  type Agent,
  BansRequest,
  formatNetwork,
  IDENTITY_CALLS,
  type IpNetwork,
  parseNetwork,
  SaslRequest,
  type DirectoryRequest,
  SpendRequest,
} from '@waybill/auth-client';
import type { TSchema } from 'typebox';
import { formatAddress } from './address.ts';
import { type Call, readAddress, readDomain } from './calls.ts';
import type { Accounts } from './directory/accounts.ts';
import type { AppPasswords } from './directory/app-passwords.ts';
import type { Bans } from './directory/bans.ts';
import type { Domains } from './directory/domains.ts';
import { type Grants, readGrant } from './directory/grants.ts';
import type { Events } from './events.ts';
import type { PasswordMaker } from './password/password-maker.ts';
import { Refused } from './refused.ts';
import type { SaslEngine } from './sasl/engine.ts';
import type { Spending } from './spending.ts';

/** The rows of the table of calls about who may come and send: what agents ask, and what the operator says. */
export interface IdentityParts {
  readonly sasl: SaslEngine;
  readonly spending: Spending;
  readonly bans: Bans;
  readonly accounts: Accounts;
  readonly domains: Domains;
  readonly appPasswords: AppPasswords;
  readonly grants: Grants;
  readonly maker: PasswordMaker;
  readonly events: Events;
}

export type IdentityCall = keyof typeof IDENTITY_CALLS;
type Handlers = { readonly [C in IdentityCall]: (request: DirectoryRequest<C>) => Promise<object> };

/** Wider ones are half of the internet, and a typing error. */
const WIDEST = { 4: 8, 6: 16 } as const;

export function identityCalls(parts: IdentityParts): Map<string, Call> {
  const { sasl, spending, bans } = parts;
  const asked: readonly (readonly [string, TSchema, readonly Agent[], Call['run']])[] = [
    ['sasl', SaslRequest, ['msa', 'mra'], (request: SaslRequest) => sasl.step(request)],
    ['spend', SpendRequest, ['msa'], (request: SpendRequest) => spending.spend(request)],
    ['bans', BansRequest, ['msa', 'mx', 'mra'], async () => ({ bans: await bans.list() })],
  ];
  const said = Object.entries(handlers(parts)).map(
    ([name, run]) =>
      [
        name,
        { request: IDENTITY_CALLS[name as IdentityCall].request, agents: ['operator'], run } as Call,
      ] as const,
  );
  return new Map([
    ...asked.map(([name, request, agents, run]) => [name, { request, agents, run }] as const),
    ...said,
  ]);
}

function handlers({ accounts, domains, appPasswords, grants, bans, maker, events }: IdentityParts): Handlers {
  const changed = async (call: string, what: string, work: Promise<object | void>): Promise<object> => {
    const result = await work;
    events.changed(call, what);
    return result ?? {};
  };
  return {
    async 'app-passwords/add'({ address, label, scopes }) {
      const parsed = readAddress(address);
      const { password, ...kept } = await maker.makeAppPassword(await accounts.primary(parsed));
      const made = await appPasswords.add(parsed, label, scopes, kept);
      events.changed('app-passwords/add', address);
      return { ...made, password };
    },
    'app-passwords/list': async ({ address }) => ({
      appPasswords: await appPasswords.list(readAddress(address)),
    }),
    'app-passwords/remove': async ({ address, label }) =>
      changed('app-passwords/remove', address, appPasswords.remove(readAddress(address), label)),
    async 'grants/add'({ address, sender }) {
      const [parsed, granted] = [readAddress(address), readGrant(sender)];
      await changed('grants/add', `${address} ${granted}`, grants.add(parsed, granted));
      return { address: formatAddress(parsed), sender: granted };
    },
    'grants/list': async ({ address }) => ({ senders: await grants.list(readAddress(address)) }),
    'grants/remove': async ({ address, sender }) =>
      changed(
        'grants/remove',
        `${address} ${sender}`,
        grants.remove(readAddress(address), readGrant(sender)),
      ),
    'accounts/hold': async ({ address, reason }) => {
      const parsed = readAddress(address);
      await changed('accounts/hold', address, accounts.setHeld(parsed, reason));
      return { address: formatAddress(parsed), held: reason };
    },
    'accounts/release': async ({ address }) =>
      changed('accounts/release', address, accounts.setHeld(readAddress(address), undefined)),
    'accounts/set-limits': async ({ address, ...limits }) =>
      changed('accounts/set-limits', address, accounts.setLimits(readAddress(address), limits)),
    'bans/list': async () => ({ bans: await bans.list() }),
    'bans/add': async ({ network, reason, seconds }) => {
      const parsed = readNetwork(network);
      return changed('bans/add', formatNetwork(parsed), bans.add(parsed, reason, seconds));
    },
    'bans/remove': async ({ network }) => changed('bans/remove', network, bans.remove(readNetwork(network))),
    'domains/set-policy': async ({ name, ...policy }) =>
      changed('domains/set-policy', name, domains.setPolicy(readDomain(name), policy)),
  };
}

/** @throws Refused invalid */
function readNetwork(text: string): IpNetwork {
  const network = parseNetwork(text);
  if (network === undefined)
    throw new Refused(
      'invalid',
      `${JSON.stringify(text)} is neither an IP address nor a network like 192.0.2.0/24`,
    );
  if (network.bits < WIDEST[network.family])
    throw new Refused('invalid', `${formatNetwork(network)} is too much of the internet to be banned`);
  return network;
}
