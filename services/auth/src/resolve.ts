import type { DomainPolicy, Resolution, Target } from '@waybill/auth-client';
import { type Address, formatAddress, parseAddress } from './address.ts';
import type { DirectoryRows, DomainRow } from './directory/rows.ts';
import { type AddressRules, type Facts, gatherFacts, MAX_DEPTH, rowAt } from './facts.ts';

/**
 * From an address to where its mail goes. Facts are gathered for a whole batch first; what follows
 * from them is decided purely.
 */

/** Most targets of one alias, all levels counted. */
export const MAX_TARGETS = 1000;

/** A resolution, and why it is `try-later` where facts and not trouble made it so. */
export interface Resolved {
  readonly resolution: Resolution;
  /** The alias leads to more, or deeper, than the limits allow: an operator must mend it. */
  readonly tooLarge: boolean;
  /** Whose mailbox it is, when it is one, and whether that account may act. */
  readonly soleOwner: { readonly accountId: string; readonly active: boolean } | undefined;
}

/** @throws what the database throws */
export async function resolveAll(
  texts: readonly string[],
  directory: DirectoryRows,
  rules: AddressRules,
): Promise<Resolved[]> {
  const bare = texts.map((text) => text.toLowerCase() === 'postmaster'); // RFC 5321 §4.5.1
  const parsed = texts.map((text) => parseAddress(text));
  const addresses = parsed.filter((address) => address !== undefined);
  const facts = await gatherFacts(addresses, bare.includes(true), directory, rules);
  return texts.map((_, i) => resolve(bare[i] === true ? facts.postmaster : parsed[i], facts, rules));
}

/** May this account send as these addresses: it owns the mailbox, or it is all that an alias leads to. Pure. */
export function maySend(accountId: string, resolved: readonly Resolved[]): boolean[] {
  return resolved.map(({ soleOwner }) => soleOwner?.accountId === accountId && soleOwner.active);
}

/** One address, from facts alone. */
export function resolve(address: Address | undefined, facts: Facts, rules: AddressRules): Resolved {
  if (address === undefined) return plain({ status: 'unknown' });
  const domain = facts.domains.get(address.domain);
  if (domain === undefined)
    return plain({ status: facts.asked.has(formatAddress(address)) ? 'not-ours' : 'try-later' });
  const row = rowAt(address, facts.rows, rules.delimiter);
  if (row === undefined) return unlisted(address, domain);
  if (row.kind === 'account') {
    const { account, active } = row.owner;
    return {
      resolution: { status: 'mailbox', account, ...wayOf(domain) },
      tooLarge: false,
      soleOwner: { accountId: account.accountId, active },
    };
  }
  return resolveAlias(address, domain, facts, rules);
}

/** What a domain says about all mail to it. */
function wayOf({ route, policy }: DomainRow): { route: string; policy?: DomainPolicy } {
  return policy === undefined ? { route } : { route, policy };
}

function plain(resolution: Resolution): Resolved {
  return { resolution, tooLarge: false, soleOwner: undefined };
}

function unlisted(address: Address, domain: DomainRow): Resolved {
  if (domain.recipients === 'listed') return plain({ status: 'unknown' });
  return plain({
    status: 'alias',
    targets: [{ address: formatAddress(address) }],
    ...wayOf(domain),
  });
}

function resolveAlias(address: Address, domain: DomainRow, facts: Facts, rules: AddressRules): Resolved {
  const targets = new Map<string, Target>();
  const owners: { accountId: string; active: boolean }[] = [];
  const seen = new Set<string>();
  let level = [address];
  for (let depth = 0; level.length > 0; depth++) {
    const next: Address[] = [];
    for (const at of level) {
      const key = formatAddress(at);
      if (seen.has(key)) continue; // a cycle, or two ways to one target
      seen.add(key);
      if (!facts.asked.has(key)) return { ...plain({ status: 'try-later' }), tooLarge: true };
      const row = facts.domains.has(at.domain) ? rowAt(at, facts.rows, rules.delimiter) : undefined;
      if (row?.kind === 'alias') {
        if (depth >= MAX_DEPTH) return { ...plain({ status: 'try-later' }), tooLarge: true };
        for (const target of row.targets) {
          const parsed = parseAddress(target);
          if (parsed !== undefined) next.push(parsed);
        }
      } else if (row?.kind === 'account') {
        const { account, active } = row.owner;
        if (targets.has(account.accountId)) continue; // one mailbox, one delivery
        targets.set(account.accountId, { address: key, account });
        owners.push({ accountId: account.accountId, active });
      } else targets.set(key, { address: key });
      if (targets.size > MAX_TARGETS) return { ...plain({ status: 'try-later' }), tooLarge: true };
    }
    level = next;
  }
  // An alias that leads only to itself leads nowhere.
  if (targets.size === 0) return plain({ status: 'unknown' });
  return {
    resolution: { status: 'alias', targets: [...targets.values()], ...wayOf(domain) },
    tooLarge: false,
    soleOwner: targets.size === 1 ? owners[0] : undefined,
  };
}
