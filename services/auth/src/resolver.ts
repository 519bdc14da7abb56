import type { DirectoryRows } from './directory/rows.ts';
import type { AddressRules } from './facts.ts';
import { resolveAll, type Resolved } from './resolve.ts';
import type { ReturnPaths } from './signing/return-paths.ts';
import { withSealedAddresses } from './signing/sealed-addresses.ts';

/** Whom addresses mean, one answer each: the same for our own agents and for foreign ones. It throws what the database throws. */
export type Resolver = (addresses: readonly string[]) => Promise<readonly Resolved[]>;

/** @param onTooLarge an alias beyond the limits was met: an operator must mend it */
export function openResolver(parts: {
  readonly rows: DirectoryRows;
  readonly rules: AddressRules;
  readonly returnPaths: Pick<ReturnPaths, 'open'>;
  readonly onTooLarge: (address: string) => void;
}): Resolver {
  const { rows, rules, returnPaths, onTooLarge } = parts;
  const resolve: Resolver = (addresses) => resolveAll(addresses, rows, rules);
  return async (addresses) => {
    const all = await withSealedAddresses(addresses, await resolve(addresses), {
      returnPaths,
      rows,
      resolve,
    });
    all.forEach(({ tooLarge }, i) => {
      if (tooLarge) onTooLarge(addresses[i]!);
    });
    return all;
  };
}
