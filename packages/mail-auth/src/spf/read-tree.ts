/** What a domain's SPF record says to everybody, term by term, whoever sends: for its owner, not for a message. */
import type { Names, SpfResult } from '../contract.ts';
import { domainName } from '../names/domain-name.ts';
import { readAddress } from '../names/ip-address.ts';
import { checkHost, MOST_LOOKUPS } from './check-host.ts';
import { findRecord } from './find-record.ts';
import { expandName, isFixed, type MacroString } from './macro.ts';
import type { Mechanism } from './record.ts';

/** One term of the record or of what it includes. */
export interface SpfStep {
  /** Whose record it stands in. */
  readonly domain: string;
  /** As published. */
  readonly term: string;
  /** Inclusions above it. */
  readonly depth: number;
  /** It costs one of the 10 look-ups (RFC 7208 §4.6.4). */
  readonly costs: boolean;
}

export interface SpfTree {
  /** Terms that cost a look-up, of all records together: what the worst sender costs. */
  readonly lookups: number;
  /** Why receivers get permerror; undefined where none does. */
  readonly fault: string | undefined;
  /** Where DNS did not say; undefined where it did. */
  readonly trouble: string | undefined;
  readonly steps: readonly SpfStep[];
  /** By address as it was asked about: what a receiver finds. */
  readonly results: ReadonlyMap<string, SpfResult>;
}

/** Records that are read at most: a record of more is beyond its look-ups anyway. */
const MOST_RECORDS = 60;

/**
 * @param addresses that should be allowed to send
 * @param helo their host name, for macros
 */
export async function readSpfTree(
  names: Names,
  domain: string,
  addresses: readonly string[],
  helo: string,
): Promise<SpfTree> {
  const reader = new TreeReader(names);
  await reader.read(domain, 0, undefined);
  const checked = domainName(domain) ?? domain;
  const results = await Promise.all(
    addresses.map(async (text): Promise<[string, SpfResult]> => {
      const address = readAddress(text);
      if (address === undefined) return [text, 'none'];
      const sender = { local: 'postmaster', domain: checked };
      const { result } = await checkHost(names, { address, sender, helo, receiver: 'unknown' }, checked);
      return [text, result];
    }),
  );
  return { ...reader.tree(), results: new Map(results) };
}

class TreeReader {
  readonly #names: Names;
  readonly #steps: SpfStep[] = [];
  readonly #path: string[] = [];
  #lookups = 0;
  #records = 0;
  #fault: string | undefined;
  #trouble: string | undefined;

  constructor(names: Names) {
    this.#names = names;
  }

  tree(): Omit<SpfTree, 'results'> {
    const fault =
      this.#fault ??
      (this.#lookups > MOST_LOOKUPS
        ? `${this.#lookups} terms need a look-up, ${MOST_LOOKUPS} are allowed`
        : undefined);
    return { lookups: this.#lookups, fault, trouble: this.#trouble, steps: this.#steps };
  }

  /** @param by the term that leads here; undefined for the domain itself */
  async read(domain: string, depth: number, by: string | undefined): Promise<void> {
    if (this.#path.includes(domain)) {
      this.#fault ??= `${domain} includes itself`;
      return;
    }
    if (++this.#records > MOST_RECORDS) return;
    const found = await findRecord(this.#names, domain);
    if (found.kind === 'try-later') this.#trouble ??= found.cause;
    else if (found.kind === 'several') this.#fault ??= `${domain} has more than one SPF record`;
    else if (found.kind === 'none') {
      if (by !== undefined) this.#fault ??= `${by}: ${domain} has no SPF record`;
    } else if ('fault' in found.record) this.#fault ??= `SPF record of ${domain}: ${found.record.fault}`;
    else {
      this.#path.push(domain);
      const { mechanisms, redirect } = found.record;
      for (const mechanism of mechanisms) {
        const costs = mechanism.kind !== 'all' && mechanism.kind !== 'ip';
        this.#step({ domain, term: mechanism.text, depth, costs });
        // in the order of the record
        if (mechanism.kind === 'include') await this.#follow(mechanism.domain, domain, depth, mechanism.text);
      }
      // RFC 7208 §6.1: beside `all` it counts for nothing
      if (redirect !== undefined && !mechanisms.some(isAll)) {
        this.#step({ domain, term: redirect.text, depth, costs: true });
        await this.#follow(redirect.domain, domain, depth, redirect.text);
      }
      this.#path.pop();
    }
  }

  #step(step: SpfStep): void {
    if (step.costs) this.#lookups++;
    if (this.#steps.length < 1000) this.#steps.push(step);
  }

  /** What is another record for every sender is not followed: nobody can say which. */
  async #follow(spec: MacroString, domain: string, depth: number, term: string): Promise<void> {
    if (!isFixed(spec)) return;
    const target = await expandName(spec, {
      value: () => domain,
      validatedName: () => Promise.resolve('unknown'),
    });
    await this.read(target, depth + 1, term);
  }
}

function isAll({ kind }: Mechanism): boolean {
  return kind === 'all';
}
