/** The kinds of event that agents emit; the journey draws them in time order. */
export type Kind =
  /** What mx found out about a message's sender, and what follows: `data.line`, `data.verdict`, `data.reason`. */
  | 'verdict.made'
  | 'data.accept'
  | 'handed.on'
  | 'rcpt.reject'
  | 'mail.reject'
  | 'auth.ok'
  | 'auth.fail'
  | 'route'
  | 'sign.dkim'
  | 'return.path'
  | 'attempt.start'
  | 'attempt.end'
  | 'queue.defer'
  | 'lmtp.end'
  | 'store.append'
  | 'mra.fetch'
  | 'dsn.sent';

/** One fact about a message, as one agent saw it. Best effort: losing one never delays mail. */
export interface JourneyEvent {
  /** The message's journey id (its spool id). Undefined only for refusals before a message exists. */
  readonly journeyId?: string;
  readonly kind: Kind;
  /** The SMTP/LMTP/IMAP session that it happened in. */
  readonly sessionId?: string;
  /** Recipient address, where the event is about one. */
  readonly recipient?: string;
  readonly sender?: string;
  readonly messageId?: string;
  /** `ok`, `temporary`, `permanent`, `info`. */
  readonly status: 'ok' | 'temporary' | 'permanent' | 'info';
  /** SMTP reply code and enhanced code, where there is one. */
  readonly code?: number;
  readonly enhanced?: string;
  /** One line for people: the peer's or our own reply, or what was decided. */
  readonly summary: string;
  readonly peerHost?: string;
  readonly peerAddress?: string;
  /** `TLSv1.3`, or undefined in clear. */
  readonly tls?: string;
  /** The id that the next hop gave the message (`queued as <id>`): joins the two halves of a journey. */
  readonly nextId?: string;
  /** Milliseconds that this step took. */
  readonly tookMs?: number;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** What every agent holds: a fire-and-forget recorder that writes in batches. */
export interface Journey {
  record(event: JourneyEvent): void;
  /** A session's conversation, bounded and redacted; kept with failures and in the lab. */
  transcript(sessionId: string, journeyId: string | undefined, text: string): void;
  /** Writes what waits; called at drain. */
  close(): Promise<void>;
}
