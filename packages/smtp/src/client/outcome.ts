import type { Reply } from '../reply.ts';

/** Where in a conversation something happened. `queued`: before anything was said about this message. */
export type Phase =
  | 'connect'
  | 'greeting'
  | 'hello'
  | 'tls'
  | 'auth'
  | 'queued'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'content'
  | 'message';

/** What became of one recipient of one transaction. Nothing here is thrown. */
export type RecipientOutcome =
  /** The peer decided: `message` is the reply after the final dot, all others refused earlier. */
  | { readonly kind: 'replied'; readonly phase: Phase; readonly reply: Reply }
  /** The connection ended first. `unknown`: the final dot was out, so the peer may have taken the message. */
  | { readonly kind: 'lost'; readonly phase: Phase; readonly unknown: boolean; readonly cause: string }
  /** Withheld: `beforeDot` said no, or another recipient was refused of a transaction that is all or nothing. The peer has nothing. */
  | { readonly kind: 'fenced' }
  /** Not sent, for what this host offered (or did not) makes it impossible; the reply is our own. */
  | { readonly kind: 'unsuitable'; readonly reply: Reply };

/** Whether the peer will not have mail from us at all: about the hop and its certificates, not about this message. */
export function refusesUs(outcome: RecipientOutcome): boolean {
  if (outcome.kind !== 'replied' || outcome.phase !== 'mail') return false;
  const { code, enhanced } = outcome.reply;
  // RFC 3463 §3.8: security or policy. RFC 3207 §4: 530, TLS first.
  return code === 530 || (code >= 500 && enhanced.startsWith('5.7.'));
}

/** Why there is no connection. `reply` is there when the peer said it, else `cause` tells. */
export interface OpenFailure {
  readonly phase: Phase;
  readonly reply?: Reply;
  readonly cause: string;
}
