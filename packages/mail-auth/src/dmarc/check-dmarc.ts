/** DMARC (RFC 9989 §5.3): does SPF or DKIM speak for the domain that the reader sees, and what if not? */
import type { Dkim, Dmarc, Names, Spf } from '../contract.ts';
import { domainName, isAtOrBelow } from '../names/domain-name.ts';
import { authorDomain } from './author-domain.ts';
import type { DmarcPolicy, DmarcRecord } from './record.ts';
import { inherited, organisationOf, type Placed, TreeWalks } from './tree-walk.ts';

/** Domains of one message whose place in the tree is looked for. */
const MOST_WALKS = 10;
/** t=y: one step less (RFC 9989 §4.7 t). */
const ONE_LESS = { reject: 'quarantine', quarantine: 'none', none: 'none' } as const;

const NOTHING = { spf: false, dkim: false } as const;

/** Never rejects, as long as `names` does not. */
export async function checkDmarc(
  names: Names,
  fromFields: readonly string[],
  spf: Spf,
  dkim: readonly Dkim[],
): Promise<Dmarc> {
  const author = authorDomain(fromFields);
  if ('fault' in author) return dmarc('permerror', undefined, author.fault);
  const from = author.domain;
  const walks = new TreeWalks(names);
  const found = await discover(walks, from);
  if ('cause' in found) return dmarc('temperror', from, found.cause);
  if (found.placed === undefined) return dmarc('none', from, found.comment);
  const { domain: policyDomain, record } = found.placed;
  if (record.unusable) return dmarc('none', from, `the DMARC record of ${policyDomain} has no valid policy`);
  const policy = await policyFor(names, from, found.placed);
  const identifiers = identifiersOf(spf, dkim);
  const aligned = await align(new Alignment(walks, from, record), identifiers);
  const told = {
    from,
    policyDomain,
    policy: policy.kind === 'known' ? policy.value : undefined,
    aligned: { spf: aligned.spf, dkim: aligned.dkim },
  };
  if (aligned.spf || aligned.dkim) return { ...told, result: 'pass', comment: `by ${meansOf(aligned)}` };
  const trouble = aligned.trouble ?? (policy.kind === 'unknown' ? policy.cause : undefined);
  // RFC 9989 §5.3.6: what DNS did not say can be neither pass nor fail.
  if (trouble !== undefined) return { ...told, result: 'temperror', comment: trouble };
  return { ...told, result: 'fail', comment: `neither SPF nor DKIM speaks for ${from}` };
}

function dmarc(result: Dmarc['result'], from: string | undefined, comment: string): Dmarc {
  return { result, from, policyDomain: undefined, policy: undefined, aligned: NOTHING, comment };
}

function meansOf({ spf, dkim }: { readonly spf: boolean; readonly dkim: boolean }): string {
  return spf && dkim ? 'SPF and DKIM' : spf ? 'SPF' : 'DKIM';
}

/** RFC 9989 §4.10.1. */
async function discover(
  walks: TreeWalks,
  from: string,
): Promise<{ readonly placed: Placed | undefined; readonly comment: string } | { readonly cause: string }> {
  const own = await walks.record(from);
  if (own.kind === 'try-later') return { cause: own.cause };
  if (own.kind === 'record') return { placed: own, comment: '' };
  const walk = await walks.walk(from);
  if ('cause' in walk) return walk;
  const placed = inherited(organisationOf(from, walk.records), walk.records);
  return { placed, comment: own.comment ?? `${from} has no DMARC record` };
}

type KnownPolicy =
  | { readonly kind: 'known'; readonly value: DmarcPolicy }
  | { readonly kind: 'unknown'; readonly cause: string };

/** p= of the domain's own record; sp=, or np= for a name that does not exist, of one above it (RFC 9989 §4.10.1). */
async function policyFor(names: Names, from: string, { domain, record }: Placed): Promise<KnownPolicy> {
  const weighed = (value: DmarcPolicy): KnownPolicy => ({
    kind: 'known',
    value: record.testing ? ONE_LESS[value] : value,
  });
  if (domain === from) return weighed(record.policy);
  const ifThere = record.subdomains ?? record.policy;
  const ifNot = record.nonexistent;
  if (ifNot === undefined || ifNot === ifThere) return weighed(ifThere);
  const there = await exists(names, from);
  return typeof there === 'boolean' ? weighed(there ? ifThere : ifNot) : { kind: 'unknown', ...there };
}

/** RFC 9989 §A.4: only NXDOMAIN says that a name does not exist; an alias that leads nowhere does exist. */
async function exists(names: Names, domain: string): Promise<boolean | { readonly cause: string }> {
  for (const type of ['A', 'CNAME'] as const) {
    // the second is asked for where the first says no
    const answer = await names.lookup(domain, type);
    if (answer.kind === 'try-later') return { cause: answer.cause };
    if (answer.kind !== 'nxdomain') return true;
  }
  return false;
}

interface Identifier {
  readonly means: 'spf' | 'dkim';
  readonly domain: string;
  /** DNS did not say whether it holds. */
  readonly unsure: string | undefined;
}

function identifiersOf(spf: Spf, dkim: readonly Dkim[]): readonly Identifier[] {
  const out: Identifier[] = [];
  const add = (means: 'spf' | 'dkim', text: string, result: string, comment: string): void => {
    if (result !== 'pass' && result !== 'temperror') return;
    out.push({
      means,
      domain: domainName(text) ?? '',
      unsure: result === 'pass' ? undefined : comment,
    });
  };
  add('spf', spf.domain, spf.result, spf.comment);
  for (const one of dkim) add('dkim', one.domain, one.result, one.comment);
  return out;
}

/** Whether domains are the author's, in the way that its record asks for (RFC 9989 §4.10.2). */
class Alignment {
  readonly #walks: TreeWalks;
  readonly #from: string;
  readonly #record: DmarcRecord;
  #own: ReturnType<TreeWalks['organisation']> | undefined;
  #walked = 0;

  constructor(walks: TreeWalks, from: string, record: DmarcRecord) {
    this.#walks = walks;
    this.#from = from;
    this.#record = record;
  }

  async aligns({ means, domain }: Identifier): Promise<boolean | { readonly cause: string }> {
    if (domain === this.#from) return true;
    const strict = means === 'spf' ? this.#record.strictSpf : this.#record.strictDkim;
    if (domain === '' || strict || topLabel(domain) !== topLabel(this.#from)) return false;
    const own = await (this.#own ??= this.#walks.organisation(this.#from));
    if ('cause' in own) return own;
    // The organisation of a domain is itself or above it: others need no walk.
    if (!isAtOrBelow(domain, own.domain)) return false;
    if (++this.#walked > MOST_WALKS) return { cause: 'too many domains signed it' };
    const other = await this.#walks.organisation(domain);
    return 'cause' in other ? other : other.domain === own.domain;
  }
}

function topLabel(domain: string): string {
  return domain.slice(domain.lastIndexOf('.') + 1);
}

async function align(
  alignment: Alignment,
  identifiers: readonly Identifier[],
): Promise<{ readonly spf: boolean; readonly dkim: boolean; readonly trouble: string | undefined }> {
  const aligned = { spf: false, dkim: false };
  let trouble: string | undefined;
  for (const identifier of identifiers) {
    // Whose check did not end without telling its domain may be the author's.
    if (identifier.unsure !== undefined && identifier.domain === '') trouble ??= identifier.unsure;
    // few, and their names are kept
    const answer = await alignment.aligns(identifier);
    if (typeof answer !== 'boolean') trouble ??= answer.cause;
    else if (answer && identifier.unsure !== undefined) trouble ??= identifier.unsure;
    else if (answer) aligned[identifier.means] = true;
  }
  return { ...aligned, trouble };
}
