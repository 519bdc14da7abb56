import type { JourneyEvent, Kind } from './event.ts';

/** What is known about one message's way, as values: for the tool, the console, and tests. */

/** One event, with who saw it and when. */
export interface JourneyStep {
  readonly at: Date;
  readonly agent: string;
  readonly instance: string;
  /** The database that holds the event, where several were asked. */
  readonly machine?: string;
  readonly journeyId: string;
  readonly kind: Kind;
  readonly status: JourneyEvent['status'];
  readonly summary: string;
  readonly sessionId?: string;
  readonly recipient?: string;
  readonly sender?: string;
  readonly messageId?: string;
  readonly code?: number;
  readonly enhanced?: string;
  readonly peerHost?: string;
  readonly peerAddress?: string;
  readonly tls?: string;
  readonly nextId?: string;
  readonly tookMs?: number;
  readonly data?: Readonly<Record<string, unknown>>;
}

export type RecipientState =
  | 'queued'
  | 'being tried'
  | 'waiting'
  | 'handed on'
  | 'delivered'
  | 'returned'
  | 'held'
  | 'discarded'
  | 'refused'
  | 'unknown';

/** A recipient and where its copy is. */
export interface JourneyRecipient {
  readonly address: string;
  /** The id under which it was last seen. */
  readonly journeyId: string;
  readonly state: RecipientState;
  readonly attempts: number;
  /** When it will be tried again, while the spool has it. */
  readonly nextTry?: Date;
  /** The last reply. */
  readonly code?: string;
  readonly text?: string;
  readonly peer?: string;
  /** `spool`: the spool's own row says so. `events`: concluded from what agents saw. */
  readonly from: 'spool' | 'events';
}

/** One message's way, over all the ids it had. */
export interface JourneyView {
  /** Its ids in the order of their first event: more than one where it left by port 25 and came back. */
  readonly ids: readonly string[];
  readonly sender?: string;
  readonly messageId?: string;
  readonly steps: readonly JourneyStep[];
  readonly recipients: readonly JourneyRecipient[];
  /** Reports that were sent about it. */
  readonly reports: readonly string[];
  /** The message that it reports on or was made from. */
  readonly parent?: string;
  /** Whether the spool's rows could be read, wherever there is one. */
  readonly spoolSeen: boolean;
  /** Databases that gave no answer: what they know is missing here. */
  readonly unreachable?: readonly { readonly machine: string; readonly cause: string }[];
}

/** A conversation of one session, as it was kept. */
export interface TranscriptView {
  readonly at: Date;
  readonly agent: string;
  readonly instance: string;
  readonly sessionId: string;
  readonly text: string;
}
