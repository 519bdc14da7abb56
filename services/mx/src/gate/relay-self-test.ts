/**
 * Proves that we are no relay: a stranger at the given address tries to send to a domain that cannot be ours, through
 * the very decision that RCPT makes.
 */
import type { MxSessionOptions } from '../session.ts';
import { decideRecipient } from '../phases/rcpt.ts';

export interface SelfTest {
  /** `unknown`: auth gave no answer. */
  readonly kind: 'refused' | 'relays' | 'unknown';
  /** The address that the stranger came from. */
  readonly from: string;
  readonly to: string;
  readonly answer: string;
}

/** RFC 6761 §6.4: nobody's, ever. */
const OUTSIDE = 'relay-test@outside.invalid';

/** @param from whose rights are tried: none has any, and none of what decides is told of it. Never rejects. */
export async function tryToRelay(
  options: Pick<MxSessionOptions, 'auth' | 'custody'>,
  from: string,
): Promise<SelfTest> {
  const decided = await decideRecipient(options, OUTSIDE, {});
  if (!('code' in decided)) return { kind: 'relays', from, to: OUTSIDE, answer: '250 2.1.5' };
  const answer = `${decided.code} ${decided.enhanced} ${decided.lines[0] ?? ''}`;
  return { kind: decided.code < 500 ? 'unknown' : 'refused', from, to: OUTSIDE, answer };
}
