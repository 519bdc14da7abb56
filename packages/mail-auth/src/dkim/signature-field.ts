/** A DKIM-Signature as a value, and whether it can be believed at all (RFC 6376 §3.5, §6.1.1). */
import { domainName, isAtOrBelow } from '../names/domain-name.ts';
import type { CanonicalForm } from './canonical-form.ts';
import { colonList, parseTagList, withoutBlanks } from './tag-list.ts';

export interface Signature {
  /** d=, A-labels, lower case. */
  readonly domain: string;
  readonly selector: string;
  readonly algorithm: 'rsa-sha256' | 'ed25519-sha256';
  readonly headerForm: CanonicalForm;
  readonly bodyForm: CanonicalForm;
  /** h=, lower case. */
  readonly names: readonly string[];
  readonly bodyHash: Buffer;
  readonly value: Buffer;
  /** l=, octets of the canonical body. */
  readonly bodyLength: number | undefined;
  /** The domain of i=; d= where there is none. */
  readonly agent: string;
}

/** What is told of a signature however it is made. */
export interface Named {
  readonly domain: string;
  readonly selector: string;
  readonly algorithm: string;
  readonly signature: string;
}

export type ReadSignature = { readonly named: Named } & (
  | { readonly signature: Signature }
  | { readonly result: 'fail' | 'policy' | 'permerror' | 'neutral'; readonly comment: string }
);

const MOST_OF_NAME = 255;
/** How far t= may lie in the future, s: clocks differ. */
const MOST_AHEAD = 24 * 3600;

/** @param text the field's value, one character per octet or UTF-8 */
export function readSignature(text: string, now: Date): ReadSignature {
  const tags = parseTagList(text);
  if ('fault' in tags) return { named: NOBODY, result: 'permerror', comment: tags.fault };
  const domain = domainName(tags.get('d') ?? '');
  const selector = domainName(tags.get('s') ?? '');
  const algorithm = (tags.get('a') ?? '').toLowerCase();
  const value = withoutBlanks(tags.get('b') ?? '');
  const named: Named = {
    domain: domain ?? (tags.get('d') ?? '').slice(0, MOST_OF_NAME).toLowerCase(),
    selector: selector ?? (tags.get('s') ?? '').slice(0, MOST_OF_NAME),
    algorithm: algorithm.slice(0, 40),
    signature: value.slice(0, 8),
  };
  const no = (comment: string, result: 'fail' | 'policy' | 'permerror' | 'neutral' = 'permerror') => ({
    named,
    result,
    comment,
  });
  for (const tag of ['v', 'a', 'b', 'bh', 'd', 'h', 's'])
    if ((tags.get(tag) ?? '') === '') return no(`${tag}= is missing`);
  if (tags.get('v') !== '1') return no('not a signature of version 1');
  if (domain === undefined) return no('d= is no domain name');
  if (selector === undefined) return no('s= is no selector');
  // RFC 8301 §3.1: SHA-1 has permanently failed.
  if (algorithm === 'rsa-sha1') return no('rsa-sha1 is not believed');
  if (algorithm !== 'rsa-sha256' && algorithm !== 'ed25519-sha256') return no('a= is not known');
  const forms = canonicalForms(tags.get('c') ?? 'simple/simple');
  if (forms === undefined) return no('c= is not known');
  if (!colonList(tags.get('q') ?? 'dns/txt').some((one) => one.toLowerCase() === 'dns/txt'))
    return no('q= is not known');
  const names = colonList((tags.get('h') ?? '').toLowerCase());
  if (!names.includes('from')) return no('From is not signed'); // RFC 6376 §5.4
  const at = tags.get('i')?.lastIndexOf('@');
  const agent = at === undefined ? domain : domainName((tags.get('i') as string).slice(at + 1));
  if (at === -1 || agent === undefined || !isAtOrBelow(agent, domain)) return no('i= is not below d=');
  const bodyHash = base64(withoutBlanks(tags.get('bh') ?? ''));
  if (bodyHash?.length !== 32) return no('bh= is no SHA-256');
  const octets = base64(value);
  if (octets === undefined) return no('b= is no base64');
  const bodyLength = wholeNumber(tags.get('l'));
  const made = wholeNumber(tags.get('t'));
  const expires = wholeNumber(tags.get('x'));
  for (const [tag, number] of [
    ['l', bodyLength],
    ['t', made],
    ['x', expires],
  ] as const)
    if (Number.isNaN(number)) return no(`${tag}= is no number`);
  const seconds = now.getTime() / 1000;
  if (made !== undefined && expires !== undefined && expires <= made) return no('x= is before t=');
  if (expires !== undefined && expires < seconds) return no('the signature has expired', 'fail');
  if (made !== undefined && made > seconds + MOST_AHEAD) return no('made in the future', 'policy');
  return {
    named,
    signature: {
      domain,
      selector,
      algorithm,
      headerForm: forms[0],
      bodyForm: forms[1],
      names,
      bodyHash,
      value: octets,
      bodyLength,
      agent,
    },
  };
}

export const NOBODY: Named = { domain: '', selector: '', algorithm: '', signature: '' };

/** RFC 6376 §3.5 c=: the body's is simple where it is not named. */
function canonicalForms(text: string): readonly [CanonicalForm, CanonicalForm] | undefined {
  const [header, body = 'simple', ...others] = text.toLowerCase().split('/');
  return isForm(header) && isForm(body) && others.length === 0 ? [header, body] : undefined;
}

function isForm(text: string | undefined): text is CanonicalForm {
  return text === 'simple' || text === 'relaxed';
}

/** Digits as a number, NaN for what is none. RFC 6376 §3.5: at most 76 of l=, 12 of t= and x= are needed. */
function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return /^\d{1,76}$/.test(text) ? Number(text) : Number.NaN;
}

/** undefined for what is none; `=` may be missing. */
export function base64(text: string): Buffer | undefined {
  if (text === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  return Buffer.from(text, 'base64');
}
