import net from 'node:net';
import type { Inquiry } from '@waybill/dns/inspect';
import { failure, values } from './facts.ts';
import type { SpfReader } from './gather.ts';
import { readTerm, type Qualifier, type SpfTerm } from './spf-term.ts';
import { isSpf, terms } from './spf-text.ts';

/**
 * Reads SPF records to their ends, with all that they include, whoever asks: a receiver stops where a client matches,
 * and another client of the same domain then meets the term that breaks. Answers are those of the zones' own servers.
 */
export function spfReader(inquiry: Inquiry): SpfReader {
  return async (name, _host, addresses) => {
    const walk = new Walk(inquiry, addresses);
    const results = await walk.read(name, 0);
    return { lookups: walk.lookups, fault: walk.fault, trouble: walk.trouble, results: new Map(results) };
  };
}

/** Records in records that are followed, and look-ups in all: twice what any receiver does. */
const MAX_DEPTH = 10;
const MAX_LOOKUPS = 40;
/** RFC 7208 §4.6.4. */
const MAX_VOID = 2;
const MAX_MX = 10;

const RESULTS: Readonly<Record<Qualifier, string>> = {
  '+': 'pass',
  '-': 'fail',
  '~': 'softfail',
  '?': 'neutral',
};

class Walk {
  lookups = 0;
  fault: string | undefined;
  trouble: string | undefined;
  #void = 0;
  readonly #inquiry: Inquiry;
  readonly #addresses: readonly string[];

  constructor(inquiry: Inquiry, addresses: readonly string[]) {
    this.#inquiry = inquiry;
    this.#addresses = addresses;
  }

  /** What the record of `name` says of each address. */
  async read(name: string, depth: number): Promise<Map<string, string>> {
    const seen = await this.#inquiry.see(name, 'TXT');
    const cause = failure(seen);
    if (cause !== undefined) return this.#all('temperror', () => (this.trouble ??= cause));
    const records = values(seen)
      .map((strings) => strings.join(''))
      .filter(isSpf);
    const [record] = records;
    if (record === undefined) {
      if (depth > 0) this.fault ??= `\`${name}\` is included and has no SPF record`;
      return this.#all(depth > 0 ? 'permerror' : 'none');
    }
    if (records.length > 1)
      return this.#all('permerror', () => (this.fault ??= `\`${name}\` has several SPF records`));
    const results = new Map<string, string>();
    let redirect: string | undefined;
    for (const text of terms(record)) {
      const term = readTerm(text);
      if (typeof term === 'string') return this.#all('permerror', () => (this.fault ??= `${term} (${name})`));
      if (term.kind === 'redirect') redirect = term.domain;
      if (term.kind === 'redirect' || term.kind === 'other') continue;
      for (const [address, result] of await this.#match(term, name, depth))
        if (!results.has(address)) results.set(address, result);
    }
    // RFC 7208 §6.1: an `all` makes redirect= mean nothing.
    const ended = terms(record).some((text) => /^[+?~-]?all$/i.test(text));
    const further = redirect === undefined || ended ? undefined : await this.#follow(redirect, depth);
    for (const address of this.#addresses)
      if (!results.has(address)) results.set(address, further?.get(address) ?? 'neutral');
    return results;
  }

  /** The addresses that a mechanism decides on, with what it says. */
  async #match(
    term: Exclude<SpfTerm, { kind: 'redirect' | 'other' }>,
    name: string,
    depth: number,
  ): Promise<[string, string][]> {
    const result = RESULTS[term.qualifier];
    if (term.kind === 'all') return this.#addresses.map((address) => [address, result]);
    if (term.kind === 'network') return this.#inside([term.address], term.bits, term.bits, result);
    if (term.kind === 'include') {
      const included = await this.#follow(term.domain ?? name, depth);
      return [...included].flatMap(([address, said]): [string, string][] => {
        if (said === 'pass') return [[address, result]];
        return said === 'permerror' || said === 'temperror' ? [[address, said]] : [];
      });
    }
    if (++this.lookups > MAX_LOOKUPS) return [];
    const domain = term.domain ?? name;
    if (domain.includes('%') || term.kind === 'ptr')
      return this.#unknown(`${term.kind} depends on the message or on reverse DNS`);
    if (term.kind === 'exists') {
      const found = await this.#look(domain, ['A']);
      return found.length > 0 ? this.#addresses.map((address) => [address, result]) : [];
    }
    const hosts = term.kind === 'a' ? [domain] : await this.#mailHosts(domain);
    const found = await Promise.all(hosts.map((host) => this.#look(host, ['A', 'AAAA'])));
    return this.#inside(found.flat(), term.bits4, term.bits6, result);
  }

  async #mailHosts(domain: string): Promise<string[]> {
    const seen = await this.#inquiry.see(domain, 'MX');
    this.trouble ??= failure(seen);
    const hosts = values(seen).map(({ exchange }) => exchange);
    if (hosts.length === 0) this.#countVoid(domain);
    if (hosts.length > MAX_MX) this.fault ??= `\`${domain}\` has more than ${MAX_MX} mail hosts`;
    return hosts.filter((host) => host !== '').slice(0, MAX_MX);
  }

  async #look(name: string, types: readonly ('A' | 'AAAA')[]): Promise<string[]> {
    const seen = await Promise.all(types.map((type) => this.#inquiry.see(name, type)));
    for (const one of seen) this.trouble ??= failure(one);
    const found = seen.flatMap(values);
    if (found.length === 0) this.#countVoid(name);
    return found;
  }

  #countVoid(name: string): void {
    if (++this.#void > MAX_VOID)
      this.fault ??= `more than ${MAX_VOID} of its names lead nowhere (\`${name}\` among them)`;
  }

  /** An included record, or the one redirected to. */
  async #follow(domain: string, depth: number): Promise<Map<string, string>> {
    this.lookups++;
    if (domain.includes('%')) {
      this.#unknown('a record is chosen by the message');
      return new Map();
    }
    if (depth >= MAX_DEPTH || this.lookups > MAX_LOOKUPS) return new Map();
    return this.read(domain, depth + 1);
  }

  #inside(found: readonly string[], bits4: number, bits6: number, result: string): [string, string][] {
    const list = new net.BlockList();
    for (const one of found) {
      if (net.isIPv4(one)) list.addSubnet(one, bits4, 'ipv4');
      else if (net.isIPv6(one)) list.addSubnet(one, bits6, 'ipv6');
    }
    return this.#addresses
      .filter((address) => list.check(address, net.isIPv6(address) ? 'ipv6' : 'ipv4'))
      .map((address) => [address, result]);
  }

  /** What is decided anew for each message is told apart from what is so. */
  #unknown(cause: string): [string, string][] {
    this.trouble ??= cause;
    return [];
  }

  #all(result: string, note: () => void = () => undefined): Map<string, string> {
    note();
    return new Map(this.#addresses.map((address) => [address, result]));
  }
}
