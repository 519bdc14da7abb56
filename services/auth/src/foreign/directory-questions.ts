import { type Address, normaliseDomain } from '../address.ts';
import { type Grants, grantsFor } from '../directory/grants.ts';
import type { DirectoryRows, DomainRow } from '../directory/rows.ts';
import type { AddressRules } from '../facts.ts';
import type { Resolved } from '../resolve.ts';
import type { Resolver } from '../resolver.ts';

/** What the foreign doors ask of the directory: the same answers that our own agents get, each read anew. */
export interface DirectoryQuestions {
  /** @throws what the database throws */
  resolve(address: string): Promise<Resolved>;
  /** Undefined for a domain that is not ours. @throws what the database throws */
  domain(name: string): Promise<DomainRow | undefined>;
  /** Primary addresses of the active accounts that were granted it as a sender. @throws what the database throws */
  granted(address: Address): Promise<readonly string[]>;
}

export function directoryQuestions(parts: {
  readonly resolved: Resolver;
  readonly rows: Pick<DirectoryRows, 'domains'>;
  readonly grants: Pick<Grants, 'holders'>;
  readonly rules: AddressRules;
}): DirectoryQuestions {
  const { resolved, rows, grants, rules } = parts;
  return {
    async resolve(address) {
      const [answer] = await resolved([address]);
      return answer!;
    },
    async domain(text) {
      const name = normaliseDomain(text);
      const [found] = name === undefined ? [] : await rows.domains([name]);
      return found;
    },
    granted: (address) => grants.holders(grantsFor(address, rules.delimiter)),
  };
}
