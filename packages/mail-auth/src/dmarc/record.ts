/** DMARC policy records as values (RFC 9989 §4.7, §4.8, §4.10.1). */
import { parseTagList } from '../dkim/tag-list.ts';
import { Kept } from '../names/kept.ts';

export type DmarcPolicy = 'none' | 'quarantine' | 'reject';

export interface DmarcRecord {
  readonly policy: DmarcPolicy;
  readonly subdomains: DmarcPolicy | undefined;
  readonly nonexistent: DmarcPolicy | undefined;
  readonly strictDkim: boolean;
  readonly strictSpf: boolean;
  /** t=y: the owner asks for one step less. */
  readonly testing: boolean;
  /** psd=: y a public suffix, n an organisation, u unknown. */
  readonly suffix: 'y' | 'n' | 'u';
  /** The record asks for nothing that can be done: DMARC does not apply. */
  readonly unusable: boolean;
}

const records = new Kept<DmarcRecord | 'broken'>(2000, parseDmarc);

/** As parseDmarc, out of memory where the text was met before. */
export function readDmarc(text: string): DmarcRecord | 'broken' {
  return records.get(text);
}

/** v= first, its value exactly so (RFC 9989 §4.7 v). */
export function isDmarcRecord(text: string): boolean {
  const end = text.indexOf(';');
  const tag = end === -1 ? text : text.slice(0, end);
  const equals = tag.indexOf('=');
  if (equals === -1) return false;
  return tag.slice(0, equals).trim().toLowerCase() === 'v' && tag.slice(equals + 1).trim() === 'DMARC1';
}

/** `broken`: no tag list, or a tag twice (RFC 6376 §3.2); discarded like what is no record at all. */
export function parseDmarc(text: string): DmarcRecord | 'broken' {
  const tags = parseTagList(text);
  if ('fault' in tags) return 'broken';
  const folded = new Map<string, string>();
  for (const [name, value] of tags) {
    const lower = name.toLowerCase();
    if (folded.has(lower)) return 'broken';
    folded.set(lower, value);
  }
  const value = (name: string): string | undefined => folded.get(name)?.toLowerCase();
  const policies = ['p', 'sp', 'np'].map((name) => policyOf(value(name)));
  const [policy, subdomains, nonexistent] = policies;
  const base = {
    strictDkim: value('adkim') === 's',
    strictSpf: value('aspf') === 's',
    testing: value('t') === 'y',
    suffix: suffixOf(value('psd')),
  } as const;
  // RFC 9989 §4.10.1: without a valid p=, or with sp= or np= that is none, it only asks for reports, if for anything.
  if (policy === undefined || policies.includes('invalid'))
    return {
      ...base,
      policy: 'none',
      subdomains: undefined,
      nonexistent: undefined,
      unusable: !asksForReports(folded.get('rua')),
    };
  return {
    ...base,
    policy: policy as DmarcPolicy,
    subdomains: subdomains as DmarcPolicy | undefined,
    nonexistent: nonexistent as DmarcPolicy | undefined,
    unusable: false,
  };
}

function policyOf(text: string | undefined): DmarcPolicy | 'invalid' | undefined {
  if (text === undefined || text === 'none' || text === 'quarantine' || text === 'reject') return text;
  return 'invalid';
}

function suffixOf(text: string | undefined): 'y' | 'n' | 'u' {
  return text === 'y' || text === 'n' ? text : 'u';
}

/** At least one URI (RFC 9989 §4.8 dmarc-uri); an old size behind `!` is ignored. */
function asksForReports(text: string | undefined): boolean {
  return text !== undefined && text.split(',', 20).some((one) => isUri(one.trim()));
}

function isUri(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:[\x21-\x7e]*$/i.test(text) && !/[<>"\\^`{|}]/.test(text);
}
