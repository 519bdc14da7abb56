import { type Address, formatAddress, parseAddress, withoutTag } from './address.ts';
import type { AddressRow, DirectoryRows, DomainRow, OwnerRow } from './directory/rows.ts';

/**
 * Everything that resolving a batch of addresses may need, gathered level by level: the addresses
 * asked for, then what their aliases name, and so on; two statements a level for the whole batch.
 */
export interface Facts {
  readonly domains: ReadonlyMap<string, DomainRow>;
  /** By `local@domain`, formatted. An address that was looked for and has no row is not in it. */
  readonly rows: ReadonlyMap<string, AddressRow>;
  /** What was looked for; an alias may name more than the limits let us follow. */
  readonly asked: ReadonlySet<string>;
  /** What the bare `postmaster` stands for (RFC 5321 §4.5.1); undefined in an empty directory. */
  readonly postmaster: Address | undefined;
}

/** Aliases are followed this deep. */
export const MAX_DEPTH = 10;
/** Most names followed for one batch. */
const MAX_NAMES = 20_000;

export interface AddressRules {
  /** Between local part and tag; '' knows no tags. */
  readonly delimiter: string;
  /** Gets postmaster's mail where there is no such address; undefined: the oldest account. */
  readonly postmaster: string | undefined;
}

/** The row at an address, or at the address without its tag. Pure. */
export function rowAt(
  address: Address,
  rows: ReadonlyMap<string, AddressRow>,
  delimiter: string,
): AddressRow | undefined {
  const exact = rows.get(formatAddress(address));
  if (exact !== undefined) return exact;
  const base = withoutTag(address.local, delimiter);
  return base === undefined ? undefined : rows.get(formatAddress({ local: base, domain: address.domain }));
}

export async function gatherFacts(
  addresses: readonly Address[],
  barePostmaster: boolean,
  directory: DirectoryRows,
  rules: AddressRules,
): Promise<Facts> {
  const domains = new Map<string, DomainRow>();
  const rows = new Map<string, AddressRow>();
  const asked = new Set<string>();
  const askedDomains = new Set<string>();
  const postmaster = barePostmaster ? await findPostmaster(directory) : undefined;
  let level = postmaster === undefined ? addresses : [...addresses, postmaster];
  for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth++) {
    const fresh = level.filter((address) => !asked.has(formatAddress(address)));
    for (const address of fresh) asked.add(formatAddress(address));
    if (asked.size > MAX_NAMES) break;
    await readLevel(fresh, { domains, rows, askedDomains }, directory, rules);
    level = fresh.flatMap((address) => {
      const row = rowAt(address, rows, rules.delimiter);
      return row?.kind === 'alias' ? row.targets.flatMap((target) => parseAddress(target) ?? []) : [];
    });
  }
  return { domains, rows, asked, postmaster };
}

interface Growing {
  readonly domains: Map<string, DomainRow>;
  readonly rows: Map<string, AddressRow>;
  readonly askedDomains: Set<string>;
}

async function readLevel(
  fresh: readonly Address[],
  { domains, rows, askedDomains }: Growing,
  directory: DirectoryRows,
  rules: AddressRules,
): Promise<void> {
  const names = [...new Set(fresh.map((address) => address.domain))].filter(
    (name) => !askedDomains.has(name),
  );
  for (const name of names) askedDomains.add(name);
  const wanted = fresh.flatMap((address) => {
    const base = withoutTag(address.local, rules.delimiter);
    return base === undefined ? [address] : [address, { local: base, domain: address.domain }];
  });
  const [foundDomains, foundRows] = await Promise.all([
    names.length === 0 ? [] : directory.domains(names),
    wanted.length === 0 ? [] : directory.addresses(wanted),
  ]);
  for (const domain of foundDomains) domains.set(domain.name, domain);
  for (const { row, ...address } of foundRows) rows.set(formatAddress(address), row);
  for (const address of fresh) {
    if (address.local !== 'postmaster' || rows.has(formatAddress(address))) continue;
    if (domains.get(address.domain)?.recipients !== 'listed') continue;
    const row = await stand(address.domain, directory, rules);
    if (row !== undefined) rows.set(formatAddress(address), row);
  }
}

/** Who stands in for the postmaster of a domain that has none: RFC 5321 §4.5.1 wants one to exist. */
async function stand(
  domain: string,
  directory: DirectoryRows,
  rules: AddressRules,
): Promise<AddressRow | undefined> {
  if (rules.postmaster !== undefined) return { kind: 'alias', targets: [rules.postmaster] };
  const owner: OwnerRow | undefined = await directory.oldestAccount(domain);
  return owner === undefined ? undefined : { kind: 'account', owner };
}

async function findPostmaster(directory: DirectoryRows): Promise<Address | undefined> {
  const domain = await directory.oldestDomain();
  return domain === undefined ? undefined : { local: 'postmaster', domain };
}
