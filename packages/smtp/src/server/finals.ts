import type { Reply } from '../reply.ts';
import { UNEXPECTED } from './replies.ts';

/**
 * The replies after a message: one for SMTP; for LMTP one for each accepted RCPT, duplicates included
 * (RFC 2033 §4.2). A single answer counts for all; `complete` is false when some are missing, which are
 * then answered 451.
 */
export function finalReplies(
  protocol: 'smtp' | 'lmtp',
  answer: Reply | readonly Reply[],
  accepted: number,
): { replies: readonly Reply[]; complete: boolean } {
  const given: readonly Reply[] = 'code' in answer ? [answer] : answer;
  const wanted = protocol === 'smtp' ? 1 : accepted;
  if (given.length === wanted) return { replies: given, complete: true };
  const [only] = given;
  if (given.length === 1 && only !== undefined)
    return { replies: Array.from({ length: wanted }, () => only), complete: true };
  return { replies: Array.from({ length: wanted }, (_, i) => given[i] ?? UNEXPECTED), complete: false };
}
