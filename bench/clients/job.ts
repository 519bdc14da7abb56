/** What a load client is asked to do, and what it says afterwards. Both travel between processes as JSON. */

/** Where to connect: connections are spread over the ports in turn. `ca` (PEM): TLS from the first octet. */
export interface Door {
  readonly host: string;
  readonly ports: readonly number[];
  readonly ca?: string;
}

export interface Login {
  readonly user: string;
  readonly password: string;
}

/** Sends `count` messages over `connections`, to the recipients in turn. */
export interface SmtpJob {
  readonly op: 'smtp';
  readonly door: Door;
  readonly count: number;
  readonly connections: number;
  readonly octets: number;
  /** Sender of the envelope and of the From field. */
  readonly from: string;
  readonly recipients: readonly string[];
  /** AUTH PLAIN before the clock starts. */
  readonly login?: Login;
  /** A new connection for every message, as part of what is measured. */
  readonly reconnect?: boolean;
  /** Part of the Message-IDs, so that no two runs send the same one. */
  readonly run: string;
}

/** What an IMAP job does `count` times, over one session per entry of `logins`. */
export type ImapAction =
  | { readonly kind: 'login' }
  | { readonly kind: 'select'; readonly mailbox: string }
  /** Every message of the mailbox; the answers are counted. */
  | { readonly kind: 'fetch-all'; readonly mailbox: string; readonly items: string }
  | { readonly kind: 'fetch-body'; readonly mailbox: string }
  | { readonly kind: 'store'; readonly mailbox: string }
  /** `hits`: how many every answer must hold; undefined for any number, the same each time. */
  | { readonly kind: 'search'; readonly mailbox: string; readonly query: string; readonly hits?: number }
  | { readonly kind: 'append'; readonly mailbox: string; readonly octets: number; readonly run: string }
  /** From sending an APPEND to the news of it in another session that idles. */
  | { readonly kind: 'idle-news'; readonly mailbox: string; readonly run: string };

export interface ImapJob {
  readonly op: 'imap';
  readonly door: Door;
  readonly logins: readonly Login[];
  readonly count: number;
  readonly action: ImapAction;
}

/** RETR of up to `count` messages of one account, `ahead` commands on the way at a time. Nothing is deleted. */
export interface Pop3Job {
  readonly op: 'pop3';
  readonly door: Door;
  readonly login: Login;
  readonly count: number;
  readonly ahead: number;
}

/** Opens `count` IMAP sessions that select and IDLE, and holds them until the job is let go. */
export interface IdleJob {
  readonly op: 'idle';
  readonly door: Door;
  readonly logins: readonly Login[];
  readonly count: number;
}

/** How many messages the mailbox of each account holds, altogether. */
export interface CountJob {
  readonly op: 'count';
  readonly door: Door;
  readonly logins: readonly Login[];
  readonly mailbox: string;
}

/** Makes the mailbox where it is missing and fills it up to `count` messages. */
export interface FillJob {
  readonly op: 'fill';
  readonly door: Door;
  readonly login: Login;
  readonly mailbox: string;
  readonly count: number;
  readonly octets: number;
}

export type Job = SmtpJob | ImapJob | Pop3Job | IdleJob | CountJob | FillJob;

export interface JobResult {
  /** What was done and answered as it should be. */
  readonly done: number;
  /** Faults by their text; empty when all went well. */
  readonly faults: Readonly<Record<string, number>>;
  /** From the start signal to the last answer. */
  readonly seconds: number;
  /** Of the client's own process in that time. */
  readonly clientCpuMs: number;
  /** Of one operation each. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number };
  readonly octets: number;
}

/**
 * A running job. `prepare` opens and logs in what should not be measured, `run` is what is measured, `close` lets
 * go of what is still open. Each is called once, in this order; `close` also after a failure.
 */
export interface Running {
  prepare(): Promise<void>;
  run(tally: Tally): Promise<void>;
  close(): Promise<void>;
}

/** Where a job notes what happens. */
export class Tally {
  done = 0;
  octets = 0;
  readonly latencies: number[] = [];
  readonly faults = new Map<string, number>();

  ok(milliseconds: number): void {
    this.done++;
    this.latencies.push(milliseconds);
  }

  fault(text: string): void {
    const short = text.slice(0, 120);
    // A thousand different texts would say no more than twenty.
    if (this.faults.size < 20 || this.faults.has(short))
      this.faults.set(short, (this.faults.get(short) ?? 0) + 1);
  }
}
