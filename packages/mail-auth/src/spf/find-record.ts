/** The one SPF record of a domain (RFC 7208 §4.4, §4.5), read once per text. */
import type { Names } from '../contract.ts';
import { Kept } from '../names/kept.ts';
import { isSpfRecord, parseRecord, type ReadRecord } from './record.ts';

export type FoundRecord =
  | { readonly kind: 'found'; readonly text: string; readonly record: ReadRecord }
  | { readonly kind: 'none' }
  | { readonly kind: 'several' }
  | { readonly kind: 'try-later'; readonly cause: string };

const records = new Kept<ReadRecord>(2000, parseRecord);

export async function findRecord(names: Names, domain: string): Promise<FoundRecord> {
  const answer = await names.lookup(domain, 'TXT');
  if (answer.kind === 'try-later') return answer;
  if (answer.kind !== 'found') return { kind: 'none' };
  const [text, ...others] = answer.records.filter(isSpfRecord);
  if (text === undefined) return { kind: 'none' };
  if (others.length > 0) return { kind: 'several' };
  return { kind: 'found', text, record: records.get(text) };
}
