/** Everything that is known of a message when its last octet has come. Facts only: what follows from them is the verdict. */
import type { Dkim, Dmarc, SenderFacts, Spf } from '@waybill/mail-auth';

/** Which DNS lists know the client (RFC 5782). */
export interface Listed {
  /** Zones of block lists. */
  readonly blocked: readonly string[];
  /** Zones of allow lists. */
  readonly allowed: readonly string[];
}

export interface Facts extends SenderFacts {
  /** The client's address; undefined when it is hidden behind something of ours, and says nothing. */
  readonly address: string | undefined;
  readonly lists: Listed;
  /** From: fields of the message. */
  readonly authors: number;
}

export const NOT_LISTED: Listed = Object.freeze({ blocked: [], allowed: [] });

/** What stands for all signatures: `pass` where one does, else the first that was looked at; `none` without any. */
export function bestDkim(dkim: readonly Dkim[]): Dkim | undefined {
  return dkim.find(({ result }) => result === 'pass') ?? dkim[0];
}

/** The checks in one line for people: `PTR mail.red.test ok  SPF pass  DKIM pass red1  DMARC pass`. */
export function factsLine({ address, iprev, spf, dkim, dmarc, lists }: Facts): string {
  const signed = bestDkim(dkim);
  const words = [
    address === undefined ? 'client address hidden' : ptrWords(iprev),
    `SPF ${spf.result}`,
    signed === undefined ? 'DKIM none' : `DKIM ${signed.result} ${signed.selector}`,
    dmarcWords(dmarc),
  ];
  if (lists.blocked.length > 0) words.push(`listed by ${lists.blocked.join(', ')}`);
  if (lists.allowed.length > 0) words.push(`welcomed by ${lists.allowed.join(', ')}`);
  return words.join('  ');
}

function ptrWords({ result, name }: SenderFacts['iprev']): string {
  if (result === 'pass') return `PTR ${name ?? ''} ok`;
  return name === undefined ? `PTR ${result}` : `PTR ${name} ${result}`;
}

function dmarcWords({ result, policy }: Dmarc): string {
  return policy === undefined || policy === 'none' || result === 'pass'
    ? `DMARC ${result}`
    : `DMARC ${result} (p=${policy})`;
}

/** The same for programs, small enough to lie with an event. */
export function factsData({ iprev, helo, spf, dkim, dmarc, lists }: Facts): Record<string, unknown> {
  return {
    iprev: { result: iprev.result, ...(iprev.name === undefined ? {} : { name: iprev.name.slice(0, 255) }) },
    helo: helo.result,
    spf: { ...briefly(spf), domain: spf.domain.slice(0, 255) },
    dkim: dkim.slice(0, 5).map(({ result, domain, selector, algorithm, comment }) => ({
      result,
      domain: domain.slice(0, 255),
      selector: selector.slice(0, 255),
      algorithm: algorithm.slice(0, 40),
      ...(result === 'pass' ? {} : { comment: comment.slice(0, 200) }),
    })),
    dmarc: {
      result: dmarc.result,
      ...(dmarc.policyDomain === undefined ? {} : { domain: dmarc.policyDomain.slice(0, 255) }),
      ...(dmarc.policy === undefined ? {} : { policy: dmarc.policy }),
    },
    ...(lists.blocked.length + lists.allowed.length === 0 ? {} : { lists }),
  };
}

function briefly({ result, identity, mechanism, comment }: Spf): Record<string, unknown> {
  return {
    result,
    identity,
    ...(mechanism === undefined ? {} : { mechanism: mechanism.slice(0, 200) }),
    ...(result === 'pass' ? {} : { comment: comment.slice(0, 200) }),
  };
}
