/** Block and allow lists by DNS (RFC 5782): which of them know an address. The resolver keeps their answers. */
import { isIPv4 } from 'node:net';
import type { Names } from '@waybill/mail-auth';
import { isInner } from '@waybill/listener';
import { reversed } from './client-network.ts';
import type { Listed } from '../phases/facts.ts';

/** A list, and which of its answers count. */
export interface DnsList {
  readonly zone: string;
  /** `127.0.0.2`, …; undefined: every answer of 127.0.0.0/8. */
  readonly codes: ReadonlySet<string> | undefined;
}

/**
 * Reads `zen.example, other.example=127.0.0.2,127.0.0.3`: lists with commas or spaces, `=` before the answers that count.
 * @throws RangeError naming what is no zone or no answer
 */
export function parseDnsLists(setting: string, text: string): DnsList[] {
  const lists: { zone: string; codes: Set<string> | undefined }[] = [];
  for (const word of text.split(/[\s,;]+/).filter((one) => one !== '')) {
    const equals = word.indexOf('=');
    const zone = equals === -1 ? word : word.slice(0, equals);
    const codes = lists.at(-1)?.codes;
    if (equals === -1 && isIPv4(word)) {
      if (codes === undefined || !word.startsWith('127.'))
        throw new RangeError(`${setting}: ${word} is no answer of a list: zone=127.0.0.2,127.0.0.3`);
      codes.add(word);
      continue;
    }
    if (!/^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+\.?$/i.test(zone) || zone.length > 200)
      throw new RangeError(`${setting}: ${zone} is no DNS zone`);
    if (equals === -1) lists.push({ zone: plain(zone), codes: undefined });
    else {
      const code = word.slice(equals + 1);
      if (!isIPv4(code) || !code.startsWith('127.'))
        throw new RangeError(`${setting}: ${code} is no answer of a list: ${zone}=127.0.0.2`);
      lists.push({ zone: plain(zone), codes: new Set([code]) });
    }
  }
  return lists;
}

function plain(zone: string): string {
  return zone.toLowerCase().replace(/\.$/, '');
}

export interface DnsListsOptions {
  readonly names: Names;
  readonly block: readonly DnsList[];
  readonly allow: readonly DnsList[];
  /** A list answers with an error or with nonsense; its answers count for nothing. */
  readonly onTrouble: (zone: string, answer: string) => void;
}

const NOTHING: Promise<Listed> = Promise.resolve({ blocked: [], allowed: [] });

export class DnsLists {
  readonly #options: DnsListsOptions;

  constructor(options: DnsListsOptions) {
    this.#options = options;
  }

  /** Never rejects. Inner addresses are asked for nowhere: no list knows them, and it is nobody's business. */
  async find(address: string): Promise<Listed> {
    const { block, allow } = this.#options;
    if ((block.length === 0 && allow.length === 0) || isInner(address)) return NOTHING;
    const name = reversed(address);
    const [blocked, allowed] = await Promise.all([this.#knownBy(block, name), this.#knownBy(allow, name)]);
    return { blocked, allowed };
  }

  async #knownBy(lists: readonly DnsList[], name: string): Promise<string[]> {
    const known = await Promise.all(lists.map((list) => this.#knows(list, name)));
    return lists.filter((_list, i) => known[i] === true).map(({ zone }) => zone);
  }

  async #knows({ zone, codes }: DnsList, name: string): Promise<boolean> {
    const answer = await this.#options.names.lookup(`${name}.${zone}`, 'A');
    if (answer.kind !== 'found') return false;
    let known = false;
    for (const code of answer.records) {
      // Outside of 127/8 is no answer of a list (RFC 5782 §2.1): the zone is gone, and somebody answers for everything.
      // 127.255.255.x is how lists say that they do not answer us.
      if (!code.startsWith('127.') || code.startsWith('127.255.255.')) this.#options.onTrouble(zone, code);
      else if (codes === undefined || codes.has(code)) known = true;
    }
    return known;
  }
}
