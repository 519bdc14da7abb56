import type { BodyBudget } from './body-budget.ts';
import type { Peer } from './session.ts';

/** All in milliseconds. */
export interface Timers {
  /** Between commands, and between pieces of a message (RFC 5321 §4.5.3.2.7: at least 5 minutes). */
  readonly idle: number;
  /** Before EHLO. */
  readonly hello: number;
  /** A whole connection. */
  readonly total: number;
  /** While a message comes in, at least `minimumRate` octets per second over each such window. */
  readonly rateWindow: number;
  /** Before the answer to a mistake, once there were a few. */
  readonly errorDelay: number;
}

export interface Limits {
  /** Octets per second, see Timers.rateWindow. */
  readonly minimumRate: number;
  /** Mistakes of the client (grammar, order, AUTH) that are answered at once. */
  readonly errorsAtOnce: number;
  /** Mistakes until 421. */
  readonly errors: number;
  /** Refused senders, recipients and messages since the last accepted message that are answered at once. */
  readonly refusalsAtOnce: number;
  /** Refusals since the last accepted message until 421. */
  readonly refusals: number;
  /** Commands that lead nowhere (NOOP, RSET, VRFY, HELP, EHLO, AUTH that met trouble) since the last accepted message until 421. */
  readonly junk: number;
  /** Failed AUTH until 421. */
  readonly authFailures: number;
  /** RFC 5321 §4.5.3.1.4 asks for 512 and more for extensions. */
  readonly commandLine: number;
  /** RFC 4954 §4: 12,288 octets for lines of the AUTH exchange. */
  readonly authLine: number;
  /** A line that is longer than this ends the connection. */
  readonly endlessLine: number;
  /** A line of a message. */
  readonly dataLine: number;
}

export interface SmtpServerOptions {
  readonly protocol: 'smtp' | 'lmtp';
  /** What this host calls itself. */
  readonly hostname: string;
  /** Octets of a message, announced by SIZE. */
  readonly maxSize: number;
  /** 'required': nothing but EHLO, NOOP, RSET, QUIT and STARTTLS in clear. */
  readonly tls: 'none' | 'starttls' | 'required';
  /** Submission: AUTH is offered under TLS, and mail is taken from nobody else. */
  readonly auth: boolean;
  /** Bare CR or LF: refused (port 25, LMTP), or taken for CRLF (submission, RFC 6409 §8). */
  readonly bareLineEnds: 'refuse' | 'normalise';
  readonly maxRecipients: number;
  /**
   * Whether a client may send before the greeting, before EHLO's answer, or its message before 354. Left out: false
   * where strangers come, that is for SMTP without AUTH.
   */
  readonly outOfTurn?: boolean;
  readonly timers?: Partial<Timers>;
  readonly limits?: Partial<Limits>;
  readonly budget?: BodyBudget;
  /** The conversation as text, bounded and without secrets, when it is over. `failed`: something was refused. */
  readonly onTranscript?: (text: string, failed: boolean, peer: Peer) => void;
  /** What a session threw; the client was told 451. */
  readonly onError?: (error: unknown, phase: string, peer: Peer) => void;
}

export const DEFAULT_TIMERS: Timers = {
  idle: 300_000,
  hello: 30_000,
  total: 7_200_000,
  rateWindow: 60_000,
  errorDelay: 1000,
};

export const DEFAULT_LIMITS: Limits = {
  minimumRate: 500,
  errorsAtOnce: 3,
  errors: 10,
  refusalsAtOnce: 10,
  refusals: 100,
  junk: 100,
  authFailures: 3,
  commandLine: 2048,
  authLine: 12_288,
  endlessLine: 65_536,
  dataLine: 65_536,
};

/** What a listener tells whom it does not serve. */
export function refusalLine(hostname: string): (why: string) => string {
  return (why) =>
    why === 'draining'
      ? `421 4.3.2 ${hostname} is going down, try again later\r\n`
      : `421 4.7.0 ${hostname} too many connections, try again later\r\n`;
}
