/** The DNS tree walk (RFC 9989 §4.10): which records lie on the way up from a domain, and whose organisation it is of. */
import type { Names } from '../contract.ts';
import { type DmarcRecord, isDmarcRecord, readDmarc } from './record.ts';

export type Found =
  | { readonly kind: 'record'; readonly domain: string; readonly record: DmarcRecord }
  /** `comment`: why what is there does not count. */
  | { readonly kind: 'none'; readonly comment: string | undefined }
  | { readonly kind: 'try-later'; readonly cause: string };

export interface Placed {
  readonly domain: string;
  readonly record: DmarcRecord;
}
export type Walk = { readonly records: readonly Placed[] } | { readonly cause: string };

/** RFC 9989 §4.10 step 4: of a longer name only so many labels are asked for after itself. */
const MOST_LABELS = 7;

/** The walks of one message: they share most of their names, and each is asked for once. */
export class TreeWalks {
  readonly #names: Names;
  readonly #found = new Map<string, Promise<Found>>();

  constructor(names: Names) {
    this.#names = names;
  }

  /** RFC 9989 §4.10 steps 2 and 6: several records are none. */
  record(domain: string): Promise<Found> {
    let found = this.#found.get(domain);
    if (found === undefined) {
      found = this.#find(domain);
      this.#found.set(domain, found);
    }
    return found;
  }

  async #find(domain: string): Promise<Found> {
    const answer = await this.#names.lookup(`_dmarc.${domain}`, 'TXT');
    if (answer.kind === 'try-later') return answer;
    if (answer.kind !== 'found') return { kind: 'none', comment: undefined };
    const [text, ...others] = answer.records.filter(isDmarcRecord);
    if (text === undefined) return { kind: 'none', comment: undefined };
    if (others.length > 0) return { kind: 'none', comment: `${domain} has more than one DMARC record` };
    const record = readDmarc(text);
    return record === 'broken'
      ? { kind: 'none', comment: `the DMARC record of ${domain} is broken` }
      : { kind: 'record', domain, record };
  }

  /** The records from `domain` upwards, up to one that says psd=y or psd=n. At most eight questions. */
  async walk(domain: string): Promise<Walk> {
    const records: Placed[] = [];
    let labels = domain.split('.');
    while (labels.length > 0) {
      // a record may end the walk
      const found = await this.record(labels.join('.'));
      if (found.kind === 'try-later') return { cause: found.cause };
      if (found.kind === 'record') {
        records.push(found);
        if (found.record.suffix !== 'u') break;
      }
      labels = labels.slice(Math.max(1, labels.length - MOST_LABELS));
    }
    return { records };
  }

  /** RFC 9989 §4.10.2; `cause` where DNS did not say. */
  async organisation(domain: string): Promise<{ readonly domain: string } | { readonly cause: string }> {
    const walk = await this.walk(domain);
    return 'cause' in walk ? walk : { domain: organisationOf(domain, walk.records) };
  }
}

export function organisationOf(domain: string, records: readonly Placed[]): string {
  for (const { domain: at, record } of records) {
    if (record.suffix === 'n') return at;
    // The organisation is one label below its public suffix.
    if (record.suffix === 'y' && at !== domain) {
      const labels = domain.split('.');
      return labels.slice(labels.length - at.split('.').length - 1).join('.');
    }
  }
  return records.at(-1)?.domain ?? domain;
}

/** The record that counts for an author's domain without one: its organisation's, else its public suffix's (§4.10.1). */
export function inherited(organisation: string, records: readonly Placed[]): Placed | undefined {
  const own = records.find(({ domain }) => domain === organisation);
  if (own !== undefined) return own;
  const last = records.at(-1);
  return last?.record.suffix === 'y' ? last : undefined;
}
