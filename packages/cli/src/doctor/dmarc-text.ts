import { tagList } from './tag-list.ts';

/** A DMARC record as text: what is wrong with it, and whom it names (RFC 9989 §4.7). */
export interface DmarcText {
  /** Each a sentence's half: `p= is missing`. Empty: receivers understand it. */
  readonly faults: readonly string[];
  readonly policy: string | undefined;
  readonly percent: number;
  /** Domains that aggregate and failure reports are sent to, lower case. */
  readonly reportDomains: readonly string[];
  readonly hasReports: boolean;
}

const POLICIES = ['none', 'quarantine', 'reject'];

/** A text that a receiver takes for DMARC: the first tag is v=DMARC1. */
export function isDmarc(text: string): boolean {
  const [first = ''] = text.split(';');
  const equals = first.indexOf('=');
  return equals > 0 && first.slice(0, equals).trim() === 'v' && first.slice(equals + 1).trim() === 'DMARC1';
}

export function readDmarc(text: string): DmarcText {
  const faults: string[] = [];
  const tags = tagList(text);
  const lower = text.trimStart().slice(0, 10).toLowerCase();
  if (!isDmarc(text))
    faults.push(
      text.includes('"') || text.includes('\\')
        ? 'it holds quotes or backslashes'
        : lower.startsWith('v=dmarc1') && text.includes(',') && !text.includes(';')
          ? 'tags are parted by `;`, not by `,`'
          : 'it must begin with `v=DMARC1;`, in capitals',
    );
  const policy = tags.get('p')?.toLowerCase();
  const uris = ['rua', 'ruf']
    .flatMap((name) => (tags.get(name) ?? '').split(','))
    .map((uri) => uri.trim())
    .filter((uri) => uri !== '');
  if (policy === undefined && faults.length === 0) faults.push('p= is missing');
  for (const name of ['p', 'sp', 'np']) {
    const value = tags.get(name)?.toLowerCase();
    if (value !== undefined && !POLICIES.includes(value))
      faults.push(`${name}=${value} is none of ${POLICIES.join(', ')}`);
  }
  for (const name of ['adkim', 'aspf']) {
    const value = tags.get(name)?.toLowerCase();
    if (value !== undefined && value !== 'r' && value !== 's')
      faults.push(`${name}=${value} is neither r nor s`);
  }
  const domains = new Set<string>();
  for (const uri of uris) {
    const scheme = uri.slice(0, 7).toLowerCase();
    const address = uri.slice(7);
    const at = address.lastIndexOf('@');
    if (scheme !== 'mailto:' || at < 1)
      faults.push(
        `\`${uri}\` is no address for reports: say mailto:${uri.includes('@') ? uri : `postmaster@…`}`,
      );
    else domains.add((address.slice(at + 1).split('!')[0] ?? '').toLowerCase());
  }
  const percent = Number(tags.get('pct') ?? '100');
  return {
    faults,
    policy,
    percent,
    reportDomains: [...domains].filter((one) => one !== ''),
    hasReports: (tags.get('rua') ?? '') !== '',
  };
}

/** Whether reports to that domain need its consent: it is neither above nor below ours (RFC 9990 §4). */
export function isElsewhere(domain: string, reports: string): boolean {
  return domain !== reports && !domain.endsWith(`.${reports}`) && !reports.endsWith(`.${domain}`);
}

/** Where that domain gives it. */
export function consentName(domain: string, reports: string): string {
  return `${domain}._report._dmarc.${reports}`;
}
