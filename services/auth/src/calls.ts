import {
  type Agent,
  AuthenticateRequest,
  DIRECTORY_CALLS,
  type DirectoryCall,
  type DirectoryRequest,
  ForwardSenderRequest,
  MAIN_LABEL,
  MaySendRequest,
  ResolveRequest,
  RouteRequest,
} from '@waybill/auth-client';
import type { TSchema } from 'typebox';
import { type Address, formatAddress, normaliseDomain, parseAddress } from './address.ts';
import type { Authenticator } from './authenticate.ts';
import type { Accounts } from './directory/accounts.ts';
import type { Aliases } from './directory/aliases.ts';
import type { Credentials } from './directory/credentials.ts';
import { type Domains, parseRoute } from './directory/domains.ts';
import type { DirectoryRows } from './directory/rows.ts';
import type { Events } from './events.ts';
import type { AddressRules } from './facts.ts';
import { type Grants, grantsFor } from './directory/grants.ts';
import { type IdentityCall, identityCalls, type IdentityParts } from './identity-calls.ts';
import type { KeptPassword } from './directory/credentials.ts';
import { readImport } from './password/schemes.ts';
import { Refused } from './refused.ts';
import { maySend } from './resolve.ts';
import type { Resolver } from './resolver.ts';
import type { DkimKeys } from './signing/dkim-keys.ts';
import type { ReturnPaths } from './signing/return-paths.ts';

/** The table of calls: what each takes, which agents may make it, and what it does. A name that is not here does not exist. */
export interface Call {
  readonly request: TSchema;
  readonly agents: readonly Agent[];
  readonly run: (request: never) => Promise<object>;
}

export interface CallParts extends IdentityParts {
  readonly authenticator: Authenticator;
  readonly resolved: Resolver;
  readonly rows: DirectoryRows;
  readonly rules: AddressRules;
  readonly domains: Domains;
  readonly accounts: Accounts;
  readonly aliases: Aliases;
  readonly credentials: Credentials;
  readonly events: Events;
  readonly dkimKeys: DkimKeys;
  readonly returnPaths: ReturnPaths;
}

export function tableOfCalls(parts: CallParts): ReadonlyMap<string, Call> {
  return new Map<string, Call>([...lookUps(parts), ...identityCalls(parts), ...directoryCalls(parts)]);
}

function lookUps({
  authenticator,
  resolved,
  rows,
  rules,
  grants,
  returnPaths,
}: CallParts): Map<string, Call> {
  return new Map<string, Call>([
    [
      'authenticate',
      {
        request: AuthenticateRequest,
        agents: ['msa', 'mra'],
        run: (request: AuthenticateRequest) => authenticator.authenticate(request),
      },
    ],
    [
      'resolve',
      {
        request: ResolveRequest,
        agents: ['msa', 'mx', 'mta', 'mda', 'operator'],
        run: async ({ addresses }: ResolveRequest) => ({
          results: (await resolved(addresses)).map(({ resolution }) => resolution),
        }),
      },
    ],
    [
      'route',
      {
        request: RouteRequest,
        agents: ['msa', 'mx', 'mta', 'operator'],
        run: async ({ domain }: RouteRequest) => {
          const name = normaliseDomain(domain);
          const [found] = name === undefined ? [] : await rows.domains([name]);
          return { ours: found !== undefined, route: found?.route ?? 'mx' };
        },
      },
    ],
    [
      'forward-sender',
      {
        request: ForwardSenderRequest,
        agents: ['mta'],
        run: async ({ sender, via }: ForwardSenderRequest) => ({
          sender: await returnPaths.forward(sender, via),
        }),
      },
    ],
    [
      'may-send',
      {
        request: MaySendRequest,
        agents: ['msa'],
        run: async ({ accountId, addresses }: MaySendRequest) => ({
          allowed: await withGrants(
            accountId,
            addresses,
            maySend(accountId, await resolved(addresses)),
            grants,
            rules,
          ),
        }),
      },
    ],
  ]);
}

/** Grants are read only where an address is not the account's own. */
async function withGrants(
  accountId: string,
  addresses: readonly string[],
  own: readonly boolean[],
  grants: Grants,
  { delimiter }: AddressRules,
): Promise<readonly boolean[]> {
  if (own.every(Boolean) || !/^\d{1,18}$/.test(accountId)) return own;
  const names = addresses.map((text, i) => {
    const address = own[i] === true ? undefined : parseAddress(text);
    return address === undefined ? [] : grantsFor(address, delimiter);
  });
  const granted = await grants.among(accountId, names.flat());
  return own.map((allowed, i) => allowed || names[i]!.some((name) => granted.has(name)));
}

type OtherCall = Exclude<DirectoryCall, IdentityCall>;
type DirectoryHandlers = { readonly [C in OtherCall]: (request: DirectoryRequest<C>) => Promise<object> };

function directoryCalls(parts: CallParts): Map<string, Call> {
  const { domains, accounts, aliases, credentials, maker, events, dkimKeys } = parts;
  /** What is kept of a given password, or of another server's hash. */
  const keep = async (
    given: GivenPassword,
    name: string,
    siblings: readonly string[],
  ): Promise<KeptPassword | undefined> => {
    const { password, passwordHash } = given;
    if (password !== undefined && passwordHash !== undefined)
      throw new Refused('invalid', 'either a password or a hash of one');
    if (passwordHash !== undefined) {
      const imported = readImport(passwordHash);
      if ('fault' in imported) throw new Refused('invalid', imported.fault);
      return { phc: imported.stored, scram: undefined };
    }
    if (password === undefined) return undefined;
    if (Buffer.byteLength(password) > 1024)
      throw new Refused('invalid', 'a password has at most 1,024 octets');
    return maker.make(password, name, siblings);
  };
  const changed = async <T extends object>(
    call: string,
    what: string,
    work: Promise<T | void>,
  ): Promise<object> => {
    const result = await work;
    events.changed(call, what);
    return result ?? {};
  };
  const handlers: DirectoryHandlers = {
    'domains/add': async ({ name, route = 'local', recipients }) => {
      const way = parseRoute(route);
      const domain = {
        name: readDomain(name),
        route: way,
        // Another MDA knows its users better than we do, unless we are told that we do.
        recipients: recipients ?? (way.startsWith('lmtp:') ? 'any' : 'listed'),
      } as const;
      const add = async (): Promise<typeof domain> => domains.add(domain, await dkimKeys.first(domain.name));
      return changed('domains/add', domain.name, add());
    },
    'domains/dkim': async ({ name }) => ({ keys: await dkimKeys.list(readDomain(name)) }),
    'domains/rotate-dkim': async ({ name, now = false }) =>
      changed(
        'domains/rotate-dkim',
        now ? `${name} now` : name,
        dkimKeys.rotate(readDomain(name), now).then((keys) => ({ keys })),
      ),
    'domains/list': ({ after }) => domains.list(after),
    'domains/remove': async ({ name }) => changed('domains/remove', name, domains.remove(readDomain(name))),
    'accounts/add': async ({ address, quotaBytes, quotaMessages, ...given }) => {
      const parsed = readAddress(address);
      if (parts.rules.delimiter !== '' && parsed.local.includes(parts.rules.delimiter))
        throw new Refused(
          'invalid',
          `${parts.rules.delimiter} begins a tag and cannot be in an account's address`,
        );
      const kept = await keep(given, formatAddress(parsed), []);
      const account = { address: parsed, kept, label: MAIN_LABEL, quotaBytes, quotaMessages };
      return changed('accounts/add', formatAddress(parsed), accounts.add(account));
    },
    'accounts/list': ({ domain, after }) =>
      accounts.list(domain === undefined ? undefined : readDomain(domain), after),
    'accounts/set-state': async ({ address, state }) =>
      changed('accounts/set-state', `${address} ${state}`, accounts.setState(readAddress(address), state)),
    'accounts/remove': async ({ address }) =>
      changed('accounts/remove', address, accounts.remove(readAddress(address))),
    'aliases/add': async ({ address, targets }) => {
      const formatted = targets.map((target) => formatAddress(readAddress(target)));
      return changed('aliases/add', address, aliases.add(readAddress(address), formatted));
    },
    'aliases/list': ({ domain, after }) =>
      aliases.list(domain === undefined ? undefined : readDomain(domain), after),
    'aliases/remove': async ({ address, targets }) => {
      const formatted = targets?.map((target) => formatAddress(readAddress(target)));
      return changed('aliases/remove', address, aliases.remove(readAddress(address), formatted));
    },
    'credentials/list': async ({ address }) => ({
      credentials: await credentials.list(readAddress(address)),
    }),
    'credentials/set': async ({ address, label, ...given }) => {
      const parsed = readAddress(address);
      const kept = await keep(given, await accounts.primary(parsed), await credentials.hashes(parsed));
      if (kept === undefined) throw new Refused('invalid', 'there is no password in the request');
      return changed('credentials/set', address, credentials.set(parsed, label, kept));
    },
    'credentials/remove': async ({ address, label }) =>
      changed('credentials/remove', address, credentials.remove(readAddress(address), label)),
  };
  return new Map(
    Object.entries(handlers).map(([name, run]) => [
      name,
      { request: DIRECTORY_CALLS[name as OtherCall].request, agents: ['operator'], run },
    ]),
  );
}

interface GivenPassword {
  readonly password?: string;
  readonly passwordHash?: string;
}

/** @throws Refused invalid */
export function readAddress(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined || address.domain.startsWith('['))
    throw new Refused('invalid', `${JSON.stringify(text)} is not an address`);
  return address;
}

/** @throws Refused invalid */
export function readDomain(text: string): string {
  const domain = normaliseDomain(text);
  if (domain === undefined || domain.startsWith('['))
    throw new Refused('invalid', `${JSON.stringify(text)} is not a domain`);
  return domain;
}
