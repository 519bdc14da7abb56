/** DNS out of a table, for tests: records by name and type; a name can be silent. */
import type { Answer, RecordType, RecordTypes } from '@waybill/dns';
import type { Names } from '../src/index.ts';

/** `['TXT', 'v=spf1 -all']`; `'TIMEOUT'`: what is not found at this name is never answered. */
export type ZoneRecord = readonly [type: RecordType, data: unknown] | 'TIMEOUT';
export type Zone = Readonly<Record<string, readonly ZoneRecord[]>>;

export class ZoneNames implements Names {
  /** What was asked, `TXT red.test`. */
  readonly asked: string[] = [];
  readonly #zone: Map<string, readonly ZoneRecord[]>;

  constructor(zone: Zone) {
    this.#zone = new Map(Object.entries(zone).map(([name, records]) => [name.toLowerCase(), records]));
  }

  lookup<T extends RecordType>(name: string, type: T): Promise<Answer<RecordTypes[T]>> {
    const plain = name.toLowerCase().replace(/\.$/, '');
    this.asked.push(`${type} ${plain}`);
    return Promise.resolve(this.#answer(plain, type, 0) as Answer<RecordTypes[T]>);
  }

  #answer(name: string, type: RecordType, hops: number): Answer<unknown> {
    const records = this.#zone.get(name);
    if (records === undefined) return { kind: this.#hasBelow(name) ? 'none' : 'nxdomain' };
    const found: unknown[] = [];
    let alias: string | undefined;
    for (const record of records) {
      if (record === 'TIMEOUT') continue;
      if (record[0] === type) found.push(record[1]);
      else if (record[0] === 'CNAME') alias = String(record[1]).toLowerCase();
    }
    if (found.length > 0) return { kind: 'found', records: found, authenticated: false };
    if (alias !== undefined && hops < 8) return this.#answer(alias, type, hops + 1);
    if (records.includes('TIMEOUT')) return { kind: 'try-later', cause: `${type} of ${name}: no answer` };
    return { kind: 'none' };
  }

  #hasBelow(name: string): boolean {
    for (const known of this.#zone.keys()) if (known.endsWith(`.${name}`)) return true;
    return false;
  }
}
