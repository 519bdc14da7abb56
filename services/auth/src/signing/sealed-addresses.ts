import type { Resolution } from '@waybill/auth-client';
import type { DirectoryRows } from '../directory/rows.ts';
import { parseAddress } from '../address.ts';
import type { Resolved } from '../resolve.ts';
import type { ReturnPaths } from './return-paths.ts';
import { looksSealed, pathOf } from './srs.ts';

/**
 * Bounces come home: an address of ours that no row knows, but in which another's return path is sealed, stands for
 * that one, as an alias does. Whoever writes to it, with an empty return path or not, reaches nobody else; a
 * seal that is not ours, or too old, leaves the address unknown.
 * @throws what the database throws
 */
export async function withSealedAddresses(
  texts: readonly string[],
  resolved: readonly Resolved[],
  parts: {
    readonly returnPaths: Pick<ReturnPaths, 'open'>;
    readonly rows: Pick<DirectoryRows, 'domains'>;
    readonly resolve: (addresses: readonly string[]) => Promise<readonly Resolved[]>;
  },
): Promise<readonly Resolved[]> {
  const places: number[] = [];
  for (const [i, text] of texts.entries())
    if (looksSealed(pathOf(text)?.local ?? '') && isUnlisted(resolved[i]?.resolution)) places.push(i);
  if (places.length === 0) return resolved;
  const senders = await parts.returnPaths.open(places.map((i) => texts[i] as string));
  const found = places.flatMap((i, k) => {
    const sender = senders[k];
    const domain = parseAddress(texts[i] as string)?.domain;
    return sender === undefined || domain === undefined ? [] : [{ i, sender, domain }];
  });
  if (found.length === 0) return resolved;
  const [leads, domains] = await Promise.all([
    // The writer may be of a domain that has become ours since.
    parts.resolve(found.map(({ sender }) => sender)),
    parts.rows.domains([...new Set(found.map(({ domain }) => domain))]),
  ]);
  const all = [...resolved];
  for (const [k, { i, sender, domain }] of found.entries()) {
    const route = domains.find(({ name }) => name === domain)?.route;
    const resolution = route === undefined ? undefined : homeOf(sender, leads[k]?.resolution, route);
    if (resolution !== undefined) all[i] = { resolution, tooLarge: false, soleOwner: undefined };
  }
  return all;
}

/** No row knows it: the domain lists its addresses, or its route's end is to decide. */
function isUnlisted(resolution: Resolution | undefined): boolean {
  return (
    resolution?.status === 'unknown' ||
    (resolution?.status === 'alias' &&
      resolution.targets.length === 1 &&
      looksSealed(resolution.targets[0]!.address))
  );
}

function homeOf(sender: string, leads: Resolution | undefined, route: string): Resolution | undefined {
  switch (leads?.status) {
    case 'not-ours':
      return { status: 'alias', targets: [{ address: sender }], route };
    case 'mailbox':
      return {
        status: 'alias',
        targets: [{ address: leads.account.address, account: leads.account }],
        route,
      };
    case 'alias':
      return { status: 'alias', targets: leads.targets, route };
    case 'try-later':
      return leads;
    case 'unknown':
    case undefined:
      return undefined;
  }
}
