/**
 * check_host() of RFC 7208 §4: whether a domain lets an address use its name. Every DNS question is counted and
 * bounded; trouble and mistakes come out as temperror and permerror.
 */
import type { Names, SpfResult } from '../contract.ts';
import { isAtOrBelow } from '../names/domain-name.ts';
import {
  dotted,
  type IpAddress,
  readAddress,
  reverseName,
  samePrefix,
  writeAddress,
} from '../names/ip-address.ts';
import { findRecord } from './find-record.ts';
import { expand, expandName, type MacroString, type MacroValues, parseMacroString } from './macro.ts';
import type { Mechanism, Qualifier } from './record.ts';

/** RFC 7208 §4.6.4: terms that cost look-ups, names of one MX or PTR answer, look-ups in vain. */
export const MOST_LOOKUPS = 10;
const MOST_NAMES = 10;
const MOST_VOID = 2;
/** Characters of the owner's words that go into a reply. */
const MOST_OF_EXPLANATION = 255;

const RESULTS = { '+': 'pass', '-': 'fail', '~': 'softfail', '?': 'neutral' } as const satisfies Record<
  Qualifier,
  SpfResult
>;

export interface Question {
  readonly address: IpAddress;
  readonly sender: { readonly local: string; readonly domain: string };
  readonly helo: string;
  /** Our name, for `%{r}`. */
  readonly receiver: string;
}

export interface Outcome {
  readonly result: SpfResult;
  readonly mechanism: string | undefined;
  readonly explanation: string | undefined;
  readonly lookups: number;
  readonly comment: string;
}

/** What ends the evaluation at once, however deep. */
class Stop extends Error {
  readonly result: 'temperror' | 'permerror';

  constructor(result: 'temperror' | 'permerror', comment: string) {
    super(comment);
    this.result = result;
  }
}

interface Verdict {
  readonly result: 'none' | 'pass' | 'fail' | 'softfail' | 'neutral';
  readonly mechanism: string | undefined;
  /** Whose `exp=` counts (RFC 7208 §6.2): of the record that decided, never of one that was included. */
  readonly explanation: { readonly text: MacroString; readonly domain: string } | undefined;
}

/** @param domain as domainName() gives it. Never rejects. */
export async function checkHost(names: Names, question: Question, domain: string): Promise<Outcome> {
  const evaluation = new Evaluation(names, question);
  try {
    const { result, mechanism, explanation } = await evaluation.evaluate(domain);
    return {
      result,
      mechanism,
      explanation:
        result === 'fail' && explanation !== undefined
          ? await evaluation.explain(explanation.text, explanation.domain)
          : undefined,
      lookups: evaluation.lookups,
      comment: commentOn(result, mechanism, domain, question.address),
    };
  } catch (error) {
    const stop = error instanceof Stop ? error : new Stop('temperror', (error as Error).message);
    return {
      result: stop.result,
      mechanism: undefined,
      explanation: undefined,
      lookups: evaluation.lookups,
      comment: stop.message,
    };
  }
}

class Evaluation {
  readonly #names: Names;
  readonly #question: Question;
  readonly #type: 'A' | 'AAAA';
  lookups = 0;
  /** Questions in vain: the same one twice is asked once. */
  readonly #void = new Set<string>();
  /** Names of the client that lead back to it; asked for once. */
  #validated: Promise<readonly string[]> | undefined;

  constructor(names: Names, question: Question) {
    this.#names = names;
    this.#question = question;
    this.#type = question.address.length === 4 ? 'A' : 'AAAA';
  }

  /** @throws Stop */
  async evaluate(domain: string): Promise<Verdict> {
    const found = await findRecord(this.#names, domain);
    if (found.kind === 'try-later') throw new Stop('temperror', found.cause);
    if (found.kind === 'several') throw new Stop('permerror', `${domain} has more than one SPF record`);
    if (found.kind === 'none') return { result: 'none', mechanism: undefined, explanation: undefined };
    const { record } = found;
    if ('fault' in record) throw new Stop('permerror', `SPF record of ${domain}: ${record.fault}`);
    for (const mechanism of record.mechanisms) {
      // RFC 7208 §4.6.2: in order, until one matches
      if (!(await this.#matches(mechanism, domain))) continue;
      const { explanation } = record;
      return {
        result: RESULTS[mechanism.qualifier],
        mechanism: mechanism.text,
        explanation: explanation === undefined ? undefined : { text: explanation, domain },
      };
    }
    if (record.redirect === undefined)
      return { result: 'neutral', mechanism: undefined, explanation: undefined };
    this.#count();
    const target = await expandName(record.redirect.domain, this.#macros(domain));
    const verdict = await this.evaluate(target);
    // RFC 7208 §6.1: who points at a domain without a record is mistaken.
    if (verdict.result === 'none') throw new Stop('permerror', `${target} has no SPF record`);
    return verdict;
  }

  async #matches(mechanism: Mechanism, domain: string): Promise<boolean> {
    const { address } = this.#question;
    switch (mechanism.kind) {
      case 'all':
        return true;
      case 'ip':
        return samePrefix(address, mechanism.network, mechanism.prefix);
      case 'include': {
        this.#count();
        const target = await expandName(mechanism.domain, this.#macros(domain));
        const { result } = await this.evaluate(target);
        // RFC 7208 §5.2
        if (result === 'none') throw new Stop('permerror', `${target} has no SPF record`);
        return result === 'pass';
      }
      case 'a': {
        this.#count();
        return this.#isAddressOf(await this.#target(mechanism.domain, domain), mechanism);
      }
      case 'mx':
        this.#count();
        return this.#isMailHostOf(await this.#target(mechanism.domain, domain), mechanism);
      case 'exists': {
        this.#count();
        // RFC 7208 §5.7: A, for clients of IPv6 too
        const answer = await this.#ask(await expandName(mechanism.domain, this.#macros(domain)), 'A');
        return answer.length > 0;
      }
      case 'ptr': {
        this.#count();
        const target = await this.#target(mechanism.domain, domain);
        const validated = await (this.#validated ??= this.#validate());
        return validated.some((name) => isAtOrBelow(name, target));
      }
    }
  }

  async #isMailHostOf(target: string, prefixes: Prefixes): Promise<boolean> {
    const hosts = await this.#ask(target, 'MX');
    if (hosts.length > MOST_NAMES) throw new Stop('permerror', `${target} has more than ${MOST_NAMES} MX`);
    const ordered = [...hosts].sort((a, b) => a.preference - b.preference);
    for (const { exchange } of ordered)
      // the first that matches ends it
      if (await this.#isAddressOf(exchange, prefixes)) return true;
    return false;
  }

  async #isAddressOf(target: string, { prefix4, prefix6 }: Prefixes): Promise<boolean> {
    const { address } = this.#question;
    const bits = address.length === 4 ? prefix4 : prefix6;
    for (const text of await this.#ask(target, this.#type)) {
      const octets = readAddress(text);
      if (octets !== undefined && samePrefix(address, octets, bits)) return true;
    }
    return false;
  }

  /** RFC 7208 §5.5. Trouble is no match, and not found is none either. */
  async #validate(): Promise<readonly string[]> {
    const { address } = this.#question;
    const pointers = await this.#names.lookup(reverseName(address), 'PTR');
    if (pointers.kind !== 'found') return [];
    const named = pointers.records.slice(0, MOST_NAMES); // the rest is ignored, RFC 7208 §4.6.4
    const checked = await Promise.all(
      named.map(async (name) => {
        const answer = await this.#names.lookup(name, this.#type);
        const leadsBack =
          answer.kind === 'found' &&
          answer.records.some((text) => {
            const octets = readAddress(text);
            return octets !== undefined && samePrefix(octets, address, 8 * address.length);
          });
        return leadsBack ? [name.toLowerCase()] : [];
      }),
    );
    return checked.flat();
  }

  async #ask<T extends 'A' | 'AAAA' | 'MX'>(name: string, type: T) {
    const answer = await this.#names.lookup(name, type);
    if (answer.kind === 'found') return answer.records;
    if (answer.kind === 'try-later') throw new Stop('temperror', answer.cause);
    this.#void.add(`${type} ${name}`);
    if (this.#void.size > MOST_VOID) throw new Stop('permerror', `more than ${MOST_VOID} look-ups in vain`);
    return [];
  }

  #count(): void {
    if (++this.lookups > MOST_LOOKUPS)
      throw new Stop('permerror', `more than ${MOST_LOOKUPS} terms that need a look-up`);
  }

  async #target(spec: MacroString | undefined, domain: string): Promise<string> {
    return spec === undefined ? domain : await expandName(spec, this.#macros(domain));
  }

  #macros(domain: string): MacroValues {
    const { sender, helo, address, receiver } = this.#question;
    return {
      value: (letter) => {
        switch (letter) {
          case 's':
            return `${sender.local}@${sender.domain}`;
          case 'l':
            return sender.local;
          case 'o':
            return sender.domain;
          case 'd':
            return domain;
          case 'i':
            return dotted(address);
          case 'v':
            return address.length === 4 ? 'in-addr' : 'ip6';
          case 'h':
            return helo;
          case 'c':
            return writeAddress(address);
          case 'r':
            return receiver;
          default:
            return String(Math.floor(Date.now() / 1000)); // t
        }
      },
      // RFC 7208 §7.3: the domain itself is preferred, then a name below it
      validatedName: async () => {
        const validated = await (this.#validated ??= this.#validate());
        return (
          validated.find((name) => name === domain) ??
          validated.find((name) => isAtOrBelow(name, domain)) ??
          validated[0] ??
          'unknown'
        );
      },
    };
  }

  /** RFC 7208 §6.2: whatever goes wrong, there is no explanation. */
  async explain(spec: MacroString, domain: string): Promise<string | undefined> {
    const name = await expandName(spec, this.#macros(domain));
    const answer = await this.#names.lookup(name, 'TXT');
    if (answer.kind !== 'found' || answer.records.length !== 1) return undefined;
    const text = parseMacroString(answer.records[0] as string, 'explanation');
    return text === undefined ? undefined : cleaned(await expand(text, this.#macros(domain)));
  }
}

interface Prefixes {
  readonly prefix4: number;
  readonly prefix6: number;
}

/** RFC 7208 §6.2, §11.5: strangers' words; one line of ASCII, or nothing. */
function cleaned(text: string): string | undefined {
  const cut = text.slice(0, MOST_OF_EXPLANATION);
  let line = '';
  for (let i = 0; i < cut.length; i++) {
    const code = cut.charCodeAt(i);
    if (code > 0x7e) return undefined;
    line += code < 0x20 ? ' ' : cut[i];
  }
  line = line.trim();
  return line === '' ? undefined : line;
}

function commentOn(
  result: Verdict['result'],
  mechanism: string | undefined,
  domain: string,
  address: IpAddress,
): string {
  const ip = writeAddress(address);
  switch (result) {
    case 'none':
      return `${domain} has no SPF record`;
    case 'pass':
      return `${domain} lets ${ip} send (${mechanism ?? ''})`;
    case 'neutral':
      return `${domain} says nothing about ${ip}`;
    case 'fail':
      return `${domain} does not let ${ip} send (${mechanism ?? ''})`;
    case 'softfail':
      return `${domain} probably does not let ${ip} send (${mechanism ?? ''})`;
  }
}
