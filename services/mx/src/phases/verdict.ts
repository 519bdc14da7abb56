/**
 * The verdict: facts in; accept, junk, defer or reject with reason and code out. Pure. Each question is asked of
 * all facts, and the most severe answer counts.
 */
import { type Reply, reply } from '@waybill/smtp';
import { mayStandIn } from '../gate/address-kinds.ts';
import { bestDkim, type Facts } from './facts.ts';

/** What is done with mail that fails. */
export type Doing = 'accept' | 'junk' | 'reject';

/** What the recipient's domain wants, completed by mx's settings. */
export interface Policy {
  /** DMARC fails and its owner asks to reject. */
  readonly onReject: Doing;
  /** DMARC fails and its owner asks for quarantine. */
  readonly onQuarantine: Doing;
  /** SPF fails and DMARC has not passed. */
  readonly spfFail: Doing;
  /** DNS did not answer. `defer`: where a policy that is known might forbid the message; `defer-all`: also where nobody could say whether there is one. */
  readonly trouble: Patience;
}

/** What is done when DNS does not answer, from the mildest. */
export type Patience = 'accept' | 'defer' | 'defer-all';

/** `reason`: one line for people. */
export type Verdict = { readonly action: 'accept' | 'junk'; readonly reason: string } | Refused;
export interface Refused {
  readonly action: 'defer' | 'reject';
  readonly reason: string;
  readonly reply: Reply;
}

/** As a door does it out of the box: what its owner says about forged mail is done. */
export const DEFAULT_POLICY: Policy = {
  onReject: 'reject',
  onQuarantine: 'junk',
  spfFail: 'accept',
  trouble: 'defer',
};

const PATIENCE = { accept: 0, defer: 1, 'defer-all': 2 } as const;
const SEVERITY = { accept: 0, junk: 1, defer: 2, reject: 3 } as const;

export function verdict(facts: Facts, policy: Policy): Verdict {
  let worst = accepted(facts);
  for (const judge of [listed, dmarcFailed, authorsUnclear, spfFailed]) {
    const found = judge(facts, policy);
    if (found !== undefined && SEVERITY[found.action] > SEVERITY[worst.action]) worst = found;
  }
  return worst;
}

/** For a message to several domains: the mildest counts, so that nobody loses mail by another's strictness. */
export function mildest(one: Policy, other: Policy): Policy {
  return {
    onReject: milder(one.onReject, other.onReject),
    onQuarantine: milder(one.onQuarantine, other.onQuarantine),
    spfFail: milder(one.spfFail, other.spfFail),
    trouble: PATIENCE[one.trouble] <= PATIENCE[other.trouble] ? one.trouble : other.trouble,
  };
}

function milder(a: Doing, b: Doing): Doing {
  return SEVERITY[a] <= SEVERITY[b] ? a : b;
}

function accepted({ dmarc, spf, dkim }: Facts): Verdict {
  const from = dmarc.from ?? 'the author';
  if (dmarc.result === 'pass') return { action: 'accept', reason: `${from} is who it says (DMARC pass)` };
  if (dmarc.result === 'fail')
    return { action: 'accept', reason: `DMARC fails, and ${from} asks for nothing` };
  const known = spf.result === 'pass' || dkim.some(({ result }) => result === 'pass');
  if (dmarc.result === 'none')
    return { action: 'accept', reason: known ? 'no DMARC record' : 'nothing known against it' };
  return { action: 'accept', reason: `DMARC ${dmarc.result}` };
}

/** RFC 5782: a block list knows the client, and no allow list does. Can be asked before there is a message. */
export function listed({ address, lists }: Pick<Facts, 'address' | 'lists'>): Refused | undefined {
  const [zone] = lists.blocked;
  if (address === undefined || zone === undefined || lists.allowed.length > 0) return undefined;
  const reason = `${address} is listed by ${zone}`;
  return { action: 'reject', reason, reply: reply(554, '5.7.1', reason) };
}

/** RFC 9989: what the owner of the author's domain asks for, as far as this door does it. */
function dmarcFailed(facts: Facts, policy: Policy): Verdict | undefined {
  const { dmarc, address } = facts;
  if (dmarc.result !== 'fail' && dmarc.result !== 'temperror') return undefined;
  if (dmarc.policy === 'none') return undefined;
  // What nobody could read may say the worst, and mostly says nothing: a site decides what it waits for.
  if (dmarc.policy === undefined && policy.trouble !== 'defer-all') return undefined;
  const asked = dmarc.policy ?? 'reject';
  const doing = asked === 'reject' ? policy.onReject : policy.onQuarantine;
  if (doing === 'accept') return undefined;
  const owner = dmarc.policyDomain ?? dmarc.from ?? 'its domain';
  if (dmarc.result === 'temperror') {
    // Trouble is never a pass, and never a refusal for good. It is DMARC's only where it concerns the author's domain:
    // for another's, which may never answer, nothing is waited.
    if (policy.trouble === 'accept') return undefined;
    const reason = `The sender could not be checked (${checked(facts)}), try again later`;
    // RFC 7372 §3.2: X.7.24 where it is SPF that gave no answer.
    const code = facts.spf.result === 'temperror' ? '4.7.24' : '4.7.1';
    return { action: 'defer', reason, reply: reply(451, code, reason) };
  }
  const reason = `${owner} asks to ${asked === 'reject' ? 'reject' : 'quarantine'} mail that fails DMARC (${checked(facts)})`;
  if (doing === 'junk') return { action: 'junk', reason };
  // SPF might have passed, had we seen the client: who is blind does not refuse.
  if (address === undefined || mayStandIn(address))
    return {
      action: 'junk',
      reason: `${reason}; ${address === undefined ? 'the client address is hidden' : `${address} may be a proxy’s`}`,
    };
  return { action: 'reject', reason, reply: reply(550, dmarcCode(facts), reason) };
}

/** RFC 7372 §3.4: X.7.26 where more than one check failed; else the plain X.7.1. */
function dmarcCode({ spf, dkim }: Facts): string {
  const spfFails = spf.result === 'fail' || spf.result === 'softfail' || spf.result === 'permerror';
  const dkimFails = dkim.length > 0 && dkim.every(({ result }) => result !== 'pass');
  return spfFails && dkimFails ? '5.7.26' : '5.7.1';
}

/**
 * RFC 9989 §5.3.1: with more than one author domain, or one that cannot be read, no owner can be asked. Nobody needs
 * that but forgers. A message that names no author at all deceives nobody.
 */
function authorsUnclear({ dmarc, authors }: Facts, policy: Policy): Verdict | undefined {
  if (dmarc.result !== 'permerror' || dmarc.from !== undefined || authors === 0) return undefined;
  if (policy.onReject === 'accept') return undefined;
  return { action: 'junk', reason: `no single author: ${dmarc.comment}`.slice(0, 300) };
}

/** RFC 7208 §8.4, for those who want it: by itself it also refuses mail that was forwarded. */
function spfFailed({ spf, dmarc }: Facts, policy: Policy): Verdict | undefined {
  if (policy.spfFail === 'accept' || dmarc.result === 'pass') return undefined;
  if (spf.result === 'temperror') {
    if (policy.trouble === 'accept' || policy.spfFail !== 'reject') return undefined;
    const reason = `SPF of ${spf.domain} could not be checked, try again later`;
    return { action: 'defer', reason, reply: reply(451, '4.7.24', reason) }; // RFC 7208 §8.6
  }
  if (spf.result !== 'fail') return undefined;
  const why = spf.explanation === undefined ? '' : `: ${spf.explanation}`;
  const reason = `${spf.domain} does not send from there (SPF fail)${why}`.slice(0, 300);
  if (policy.spfFail === 'junk') return { action: 'junk', reason };
  return { action: 'reject', reason, reply: reply(550, '5.7.23', reason) }; // RFC 7372 §3.2
}

function checked({ spf, dkim }: Facts): string {
  return `SPF ${spf.result}, DKIM ${bestDkim(dkim)?.result ?? 'none'}`;
}
