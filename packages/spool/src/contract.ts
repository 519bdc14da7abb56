/**
 * The spool's contract: who owns a message between its 250 and its last delivery.
 * Every call takes what came together and answers for each item; none throws for one item's sake.
 */

export type Origin = 'mx' | 'msa' | 'dsn';

/** Whom to tell what, RFC 3461 §4.1; undefined NOTIFY means failure and delay. */
export interface DraftRecipient {
  /** The address that the message will be sent to, after alias expansion. */
  readonly address: string;
  /** What the sender wrote, `rfc822;…` (RFC 3461 §4.2); for reports. */
  readonly orcpt?: string;
  /** Bits: 1 never, 2 success, 4 failure, 8 delay; 0 = not given. */
  readonly notify: number;
  /** `local/<slot>` for mailboxes of ours, else the domain to route at each attempt. */
  readonly destination: string;
  /** The mailbox's account, for local recipients. */
  readonly accountId?: string;
  /** The delivery's name where an agent before us gave it one; minted when not given. One per message and mailbox. */
  readonly deliveryId?: string;
}

/** A message that an agent wants to make ours. */
export interface Draft {
  /** UUIDv7 minted by the agent: spool id and journey id. */
  readonly id: string;
  readonly origin: Origin;
  /** '' is the null sender. */
  readonly returnPath: string;
  readonly recipients: readonly DraftRecipient[];
  /** The whole message as it will leave, trace fields included, CRLF line ends. */
  readonly message: Buffer;
  readonly envid?: string;
  readonly ret?: 'FULL' | 'HDRS';
  readonly smtputf8: boolean;
  /** Received fields already in it. */
  readonly hops: number;
  readonly authAccount?: string;
  readonly clientInfo?: Readonly<Record<string, string>>;
  /** The message that this one reports on or was made from. */
  readonly parentId?: string;
}

/** Slots of local delivery: few, so that a claim is a full batch. */
export const LOCAL_SLOTS = 4;

/** The destination of a mailbox of ours. */
export function localDestination(accountId: string): string {
  return `local/${Number(BigInt(accountId) % BigInt(LOCAL_SLOTS))}`;
}

/** A recipient that this worker holds the lease of, with what it needs to deliver. */
export interface Claimed {
  readonly spoolId: string;
  readonly rcptNo: number;
  readonly deliveryId: string;
  readonly address: string;
  readonly orcpt: string | null;
  readonly notify: number;
  readonly destination: string;
  readonly accountId: string | null;
  /** Attempts before this one. */
  readonly attempts: number;
  readonly epoch: number;
  /** Drawn at random per claim; every later statement must match it. */
  readonly token: string;
  /** An earlier attempt ended without an answer. */
  readonly unknownOutcome: boolean;
  readonly origin: Origin;
  /** A report of ours, or a message that an account logged in for, here or at another machine's msa: ours to sign. */
  readonly ours: boolean;
  readonly returnPath: string;
  readonly envid: string | null;
  readonly ret: 'FULL' | 'HDRS' | null;
  readonly smtputf8: boolean;
  readonly hops: number;
  readonly acceptedAt: Date;
  readonly expiresAt: Date;
  readonly size: number;
  /** Inline body, or fetch by key; recipients of one message share the Buffer. */
  readonly body: Buffer | null;
  readonly blobKey: string | null;
}

/** What became of one attempt. */
export type Result =
  | {
      readonly kind: 'delivered';
      readonly claim: Claimed;
      readonly code: string;
      readonly text: string;
      readonly peer: string;
    }
  | {
      readonly kind: 'retry';
      readonly claim: Claimed;
      readonly code: string;
      readonly text: string;
      readonly peer: string;
      readonly delayMs: number;
      readonly unknownOutcome: boolean;
    };

/** Permanent failures of one message in one attempt: closed and reported in one transaction. */
export interface Failure {
  readonly claims: readonly {
    readonly claim: Claimed;
    readonly code: string;
    readonly text: string;
    readonly peer: string;
  }[];
  /** The report to insert with them; undefined where none is due (null sender, NOTIFY=NEVER). */
  readonly report?: Draft;
}

/** The one door in: msa, mx, and the mta's reports. */
export interface SpoolAccept {
  /** Resolves after the commit that makes the message ours: only now may 250 be said. Batched across callers. */
  accept(draft: Draft): Promise<void>;
}

/** The same door for mail of agents on other machines, which mint ids and may repeat themselves. */
export interface SpoolAcceptOnce extends SpoolAccept {
  /**
   * As accept(), for a draft whose id another agent minted and may repeat: false when a message of that id is in
   * the spool already, where it stays for 5 minutes at least after it was accepted, and until its last recipient
   * is closed; nothing is stored then.
   */
  acceptOnce(draft: Draft): Promise<boolean>;
  /** Whether a message of that id is in the spool, finished or not. */
  has(id: string): Promise<boolean>;
}

/** The mta's door. */
export interface SpoolWork {
  /** Leases at most `limit` due recipients of one destination, oldest due first. Durable before it answers. */
  claim(destination: string, limit: number, owner: string): Promise<Claimed[]>;
  /** Which of these leases still have at least 10 s; renewing them for 30 s is part of the answer. */
  renew(claims: readonly Claimed[]): Promise<boolean[]>;
  /** Renews for 30 s whatever nobody took back, however little was left of it: for who has no dot to say. */
  keep(claims: readonly Claimed[]): Promise<void>;
  /** Closes or requeues; false where somebody else holds the row by now. Batched across callers. */
  finish(result: Result): Promise<boolean>;
  /** Closes failed recipients and inserts the report in one transaction. Answers false, inserting nothing, when a lease was lost. */
  fail(failure: Failure): Promise<boolean>;
  /** Gives a claim back untouched (drain): due at once, the attempt not counted. */
  release(claims: readonly Claimed[]): Promise<void>;
}

/** Statements over all destinations: the mta's maintenance, exempt by name from "every statement carries its key". */
export interface SpoolUpkeep {
  /** Leases that ran out become due again, marked unknown. Returns the destinations touched. */
  reap(): Promise<string[]>;
  /** Destinations with due rows. */
  dueDestinations(limit: number): Promise<string[]>;
  /** Milliseconds until the next row of any destination is due, at most `capMs`. */
  nextDueMs(capMs: number): Promise<number>;
  /** Deletes finished messages older than the grace period. Returns how many. */
  sweep(): Promise<number>;
  /** Open recipients, oldest due age in seconds: for /metrics and the tools. */
  figures(): Promise<{ queued: number; due: number; leased: number; oldestDueSeconds: number }>;
}

/** Wakes mta for a destination. A kick carries no mail and may be lost: the reconciler repeats it. */
export interface Kicker {
  /** At most one per destination and 50 ms reaches the backend; never throws, never waits. */
  kick(destination: string): void;
  close(): Promise<void>;
}

export interface KickWorker {
  close(): Promise<void>;
}
