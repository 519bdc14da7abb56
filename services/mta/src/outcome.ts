import { type Reply, reply } from '@waybill/smtp';
import type { Phase, RecipientOutcome } from '@waybill/smtp/client';

/** What one attempt means for a recipient. `reply` is the peer's, or our own words for what happened. */
export interface Verdict {
  readonly kind: 'delivered' | 'retry' | 'failed' | 'fenced';
  readonly reply: Reply;
  /** The reply is the peer's. */
  readonly said: boolean;
  readonly phase: Phase;
  /** The peer may have taken the message. */
  readonly unknown: boolean;
}

/** Phases in which a reply is about the host and not about this message. */
const ABOUT_HOST: ReadonlySet<Phase> = new Set(['connect', 'greeting', 'hello', 'tls', 'auth', 'queued']);

/** Whether an outcome tells of the host or the way to it: other mail for it would fare no better. */
export function isHostTrouble(outcome: RecipientOutcome): boolean {
  if (outcome.kind === 'replied') return ABOUT_HOST.has(outcome.phase) || outcome.reply.code === 421;
  return outcome.kind === 'lost' && !outcome.unknown;
}

/** The table. Whatever is not surely delivered or surely refused is tried again: an unclassified error is never a bounce. */
export function verdictOf(outcome: RecipientOutcome): Verdict {
  switch (outcome.kind) {
    case 'replied':
      return { ...repliedVerdict(outcome.phase, outcome.reply), reply: outcome.reply, said: true };
    case 'unsuitable':
      return { kind: 'failed', reply: outcome.reply, said: false, phase: 'mail', unknown: false };
    case 'fenced':
      return {
        kind: 'fenced',
        reply: reply(451, '4.3.0', 'The lease was lost'),
        said: false,
        phase: 'content',
        unknown: false,
      };
    case 'lost':
      return {
        kind: 'retry',
        reply: reply(451, enhancedOf(outcome.phase), lostText(outcome.phase, outcome.unknown, outcome.cause)),
        said: false,
        phase: outcome.phase,
        unknown: outcome.unknown,
      };
  }
}

function repliedVerdict(phase: Phase, answer: Reply): Pick<Verdict, 'kind' | 'phase' | 'unknown'> {
  const { code } = answer;
  if (phase === 'message' && code >= 200 && code < 300) return { kind: 'delivered', phase, unknown: false };
  const kind = code >= 500 && !ABOUT_HOST.has(phase) && !isTooMany(phase, answer) ? 'failed' : 'retry';
  return { kind, phase, unknown: false };
}

/** RFC 5321 §4.5.3.1.10: 552 to RCPT may mean "too many recipients", which is temporary. */
function isTooMany(phase: Phase, { code, enhanced }: Reply): boolean {
  return phase === 'rcpt' && code === 552 && (enhanced === '' || enhanced === '5.5.3');
}

function enhancedOf(phase: Phase): string {
  if (phase === 'connect') return '4.4.1'; // RFC 3463 §3.5: no answer from host
  return phase === 'tls' ? '4.7.5' : '4.4.2'; // bad connection
}

function lostText(phase: Phase, unknown: boolean, cause: string): string {
  if (phase === 'connect') return `No connection: ${cause}`;
  return unknown
    ? `The connection was lost after the message was sent, it may have arrived: ${cause}`
    : `The connection was lost in the phase ${phase}: ${cause}`;
}

/** The reply on one line, for logs, rows and people. */
export function replyLine(answer: Reply): string {
  const enhanced = answer.enhanced === '' ? '' : `${answer.enhanced} `;
  return `${answer.code} ${enhanced}${answer.lines.join(' ')}`.slice(0, 1000);
}

/** RFC 3463 code for reports and rows: the peer's, or one made of the reply's class. */
export function statusOf(answer: Reply): string {
  return answer.enhanced === '' ? `${Math.floor(answer.code / 100)}.0.0` : answer.enhanced;
}
