import { literalAddress } from './addresses.ts';
import type { Answer, Mx } from './answer.ts';
import type { Resolver } from './resolver.ts';

/** A host to try, with its addresses in the order to try them. */
export interface MailHost {
  readonly name: string;
  readonly preference: number;
  readonly addresses: readonly string[];
  /** MX and address came with the AD bit of the resolver. */
  readonly authenticated: boolean;
}

export type MailHostsAnswer =
  | { readonly kind: 'hosts'; readonly hosts: readonly MailHost[] }
  /** Mail for this domain can never be delivered; `enhanced` says why (RFC 3463, RFC 7505). */
  | { readonly kind: 'permanent'; readonly enhanced: string; readonly text: string }
  | { readonly kind: 'try-later'; readonly cause: string };

export interface MailHostsOptions {
  /** Our own host names, lower case: an MX that names us ends the list (RFC 5321 §5.1). */
  readonly ownNames: readonly string[];
  /** 0 ≤ n < 1; Math.random when not given. */
  readonly random?: () => number;
}

/** Hosts of one domain that are used, and addresses of one host. */
const MAX_HOSTS = 10;
const MAX_ADDRESSES = 5;

/** The mail hosts of a domain, RFC 5321 §5.1: by preference, equals in random order; without MX the domain itself. */
export async function mailHosts(
  resolver: Resolver,
  domain: string,
  options: MailHostsOptions,
): Promise<MailHostsAnswer> {
  if (domain.startsWith('[')) {
    const address = literalAddress(domain);
    if (address === undefined) return permanent('5.1.2', `${domain} is no address literal`);
    return {
      kind: 'hosts',
      hosts: [{ name: address, preference: 0, addresses: [address], authenticated: false }],
    };
  }
  const answer = await resolver.lookup(domain, 'MX');
  if (answer.kind === 'try-later') return answer;
  if (answer.kind === 'nxdomain') return permanent('5.1.2', `The domain ${domain} does not exist`);
  if (answer.kind === 'found' && answer.records.every(({ exchange }) => exchange === ''))
    return permanent('5.1.10', `The domain ${domain} accepts no mail (null MX)`); // RFC 7505 §3
  const implicit = answer.kind === 'none';
  const exchanges = implicit
    ? [{ preference: 0, exchange: domain }]
    : answer.records.filter((mx) => mx.exchange !== '');
  const usable = beforeOurselves(exchanges, implicit ? [] : options.ownNames);
  if (usable.length === 0) return permanent('5.4.6', `Mail for ${domain} loops back to this host`);
  const ordered = ranked(usable, options.random ?? Math.random).slice(0, MAX_HOSTS);
  const authenticated = answer.kind === 'found' && answer.authenticated;
  const resolved = await Promise.all(
    ordered.map((mx) => hostOf(resolver, mx, authenticated, options.random)),
  );
  const hosts = resolved.filter((one) => typeof one !== 'string');
  if (hosts.length > 0) return { kind: 'hosts', hosts };
  const cause = resolved.find((one) => typeof one === 'string' && one !== '');
  if (typeof cause === 'string') return { kind: 'try-later', cause };
  return implicit
    ? permanent('5.1.2', `The domain ${domain} has no mail host and no address`)
    : permanent('5.4.4', `None of the mail hosts of ${domain} has an address`);
}

function permanent(enhanced: string, text: string): MailHostsAnswer {
  return { kind: 'permanent', enhanced, text };
}

/** RFC 5321 §5.1: hosts no better than ourselves would send it back to us. */
function beforeOurselves(exchanges: readonly Mx[], ownNames: readonly string[]): Mx[] {
  const own = exchanges.filter(({ exchange }) => ownNames.includes(exchange)).map((mx) => mx.preference);
  const limit = Math.min(...own, Number.POSITIVE_INFINITY);
  return exchanges.filter(({ preference }) => preference < limit);
}

function ranked(exchanges: readonly Mx[], random: () => number): Mx[] {
  return exchanges
    .map((mx) => ({ mx, lot: random() }))
    .toSorted((a, b) => a.mx.preference - b.mx.preference || a.lot - b.lot)
    .map(({ mx }) => mx);
}

/** The host with its addresses; '' when it has none, else why nobody could say. */
async function hostOf(
  resolver: Resolver,
  mx: Mx,
  authenticated: boolean,
  random: (() => number) | undefined,
): Promise<MailHost | string> {
  const [four, six] = await Promise.all([
    resolver.lookup(mx.exchange, 'A'),
    resolver.lookup(mx.exchange, 'AAAA'),
  ]);
  const addresses = [...shuffled(four, random), ...shuffled(six, random)].slice(0, MAX_ADDRESSES);
  if (addresses.length > 0) {
    const signed = [four, six].every((one) => one.kind !== 'found' || one.authenticated);
    return {
      name: mx.exchange,
      preference: mx.preference,
      addresses,
      authenticated: authenticated && signed,
    };
  }
  if (four.kind === 'try-later') return four.cause;
  return six.kind === 'try-later' ? six.cause : '';
}

function shuffled(answer: Answer<string>, random: () => number = Math.random): string[] {
  if (answer.kind !== 'found') return [];
  return answer.records
    .map((address) => ({ address, lot: random() }))
    .toSorted((a, b) => a.lot - b.lot)
    .map(({ address }) => address);
}
