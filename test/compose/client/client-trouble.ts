/**
 * What can go wrong between a client and the edge, told apart as a client can see it. The verdict on
 * each kind is elsewhere (`../verdict.ts`): a client only reports.
 */
export type TroubleKind =
  /** 421 or BYE where nothing was under way. */
  | 'goodbye'
  /** 421 in place of the greeting. */
  | 'goodbye-greeting'
  /** 421 or BYE in the middle of a transaction or of an answer. */
  | 'goodbye-midway'
  /** Closed or reset without a word, between transactions or commands. */
  | 'closed'
  /** Closed or reset without a word, in the middle of one. */
  | 'closed-midway'
  /** No connection came about. */
  | 'refused'
  /** Another 4yz, or IMAP NO [UNAVAILABLE]. */
  | 'temporary'
  /** 5yz, NO or BAD. */
  | 'permanent'
  /** Nothing was said for longer than the client waits. */
  | 'silence';

/** Thrown by the clients; `at` is when it happened, not when it was noticed (ms since 1970). */
export class ClientTrouble extends Error {
  readonly kind: TroubleKind;
  /** The command, or `greeting`, `idle`, `connect`, `between`. */
  readonly moment: string;
  readonly at: number;

  constructor(kind: TroubleKind, moment: string, said: string, at: number) {
    super(said);
    this.kind = kind;
    this.moment = moment;
    this.at = at;
  }
}

/** A trouble as it stands in a client's file of events, one JSON object a line. */
export interface TroubleEvent {
  readonly at: number;
  readonly client: string;
  readonly kind: TroubleKind;
  readonly moment: string;
  readonly said: string;
  /** Which door, and which connection of it. */
  readonly session: string;
  /** Transactions or commands of this client that were under way then. */
  readonly inFlight: number;
}
