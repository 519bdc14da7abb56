import type { Seen } from '@waybill/dns/inspect';
import type { DnsRecord } from '../records/record.ts';
import type { Facts } from './facts.ts';

export type Verdict = 'ok' | 'fix' | 'warn' | 'cannot tell';

/** What a check found. Texts are for people; names and values of the DNS stand in `backticks`. */
export interface Finding {
  readonly verdict: Verdict;
  /** What is so, and what follows from it. */
  readonly means: string;
  /** What to do, exactly. Present with `fix` and `warn`. */
  readonly fix?: Fix;
  readonly evidence: readonly string[];
  /** What may be done later, when all is well. */
  readonly next?: string;
  /** The questions that it rests on: where servers differ, that is said with it. */
  readonly seen: readonly Seen<unknown>[];
}

export interface Fix {
  readonly text: string;
  /** Records to publish. */
  readonly publish: readonly DnsRecord[];
  /** Records to take away, as they stand there. */
  readonly remove: readonly DnsRecord[];
}

export interface Check {
  readonly id: string;
  /** What is checked, as a noun: `MX target is no alias`. */
  readonly title: string;
  readonly level: 'required' | 'advised' | 'optional';
  readonly look: (facts: Facts) => Finding;
}

interface More {
  readonly evidence?: readonly string[];
  readonly seen?: readonly Seen<unknown>[];
  readonly next?: string;
  readonly publish?: readonly DnsRecord[];
  readonly remove?: readonly DnsRecord[];
}

function finding(verdict: Verdict, means: string, text: string | undefined, more: More): Finding {
  const { evidence = [], seen = [], next, publish = [], remove = [] } = more;
  return {
    verdict,
    means,
    ...(text === undefined ? {} : { fix: { text, publish, remove } }),
    evidence,
    ...(next === undefined ? {} : { next }),
    seen,
  };
}

export function ok(means: string, more: More = {}): Finding {
  return finding('ok', means, undefined, more);
}

export function fix(means: string, text: string, more: More = {}): Finding {
  return finding('fix', means, text, more);
}

export function warn(means: string, text: string, more: More = {}): Finding {
  return finding('warn', means, text, more);
}

export function cannotTell(means: string, more: More = {}): Finding {
  return finding('cannot tell', means, undefined, more);
}
