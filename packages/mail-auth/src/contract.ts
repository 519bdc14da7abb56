import type { Answer, RecordType, RecordTypes } from '@waybill/dns';

/** What the checks ask DNS: `Resolver` of @waybill/dns is one. No look-up rejects. */
export interface Names {
  lookup<T extends RecordType>(name: string, type: T): Promise<Answer<RecordTypes[T]>>;
}

/** RFC 8601 §2.7.3, RFC 8601 iprev: does the address's name lead back to the address? */
export interface Iprev {
  readonly result: 'pass' | 'fail' | 'temperror' | 'permerror';
  /** The confirmed name (pass), or the first that PTR named; lower case. */
  readonly name: string | undefined;
  /** For people. */
  readonly comment: string;
}

/** RFC 7208 §2.6. `none` and `neutral` say nothing, `temperror` is never a pass. */
export type SpfResult = 'none' | 'neutral' | 'pass' | 'fail' | 'softfail' | 'temperror' | 'permerror';
export interface Spf {
  readonly result: SpfResult;
  /** The domain that was checked: of MAIL FROM, or of HELO for the null sender (RFC 7208 §2.4). */
  readonly domain: string;
  readonly identity: 'mailfrom' | 'helo';
  /** The mechanism that matched, as published; undefined where none did. */
  readonly mechanism: string | undefined;
  /** The owner's words (`exp=`), cleaned for a reply; undefined where there are none. */
  readonly explanation: string | undefined;
  /** Mechanisms and modifiers that cost a look-up, of the 10 allowed (RFC 7208 §4.6.4). */
  readonly lookups: number;
  readonly comment: string;
}

/** RFC 8601 §2.7.1. One per DKIM-Signature, in the order of the message. */
export interface Dkim {
  readonly result: 'pass' | 'fail' | 'policy' | 'neutral' | 'temperror' | 'permerror';
  /** d=, lower case, A-labels. */
  readonly domain: string;
  readonly selector: string;
  /** `rsa-sha256`, `ed25519-sha256`, or what else stood there. */
  readonly algorithm: string;
  /** The key is marked t=y: the owner only tries. */
  readonly testing: boolean;
  /** The first characters of b=, which tell signatures of one key apart (RFC 6008 §3). */
  readonly signature?: string;
  readonly comment: string;
}

/** RFC 9989. */
export interface Dmarc {
  readonly result: 'none' | 'pass' | 'fail' | 'temperror' | 'permerror';
  /** The domain of From:, and the domain whose record counts. */
  readonly from: string | undefined;
  readonly policyDomain: string | undefined;
  /** What the owner asks for this From: domain (sp=, np= and t= already weighed). */
  readonly policy: 'none' | 'quarantine' | 'reject' | undefined;
  /** By which means it passed. */
  readonly aligned: { readonly spf: boolean; readonly dkim: boolean };
  readonly comment: string;
}

/** Everything that was found out about who sent a message. Facts only: what follows from them is mx's verdict. */
export interface SenderFacts {
  readonly iprev: Iprev;
  /** Of the HELO name, always. */
  readonly helo: Spf;
  /** Of MAIL FROM; equal to `helo` for the null sender. */
  readonly spf: Spf;
  readonly dkim: readonly Dkim[];
  readonly dmarc: Dmarc;
}

/** Who is at the other end, known before the message is. `address` undefined: hidden, nothing can be said of it. */
export interface Client {
  readonly address: string | undefined;
  readonly helo: string;
}

/** What each check costs and asks is bounded: signatures looked at, look-ups, time. */
export interface CheckLimits {
  /** DKIM signatures verified; more are `policy`. Default 5. */
  readonly signatures?: number;
  /** Whole budget in ms for all DNS of one message; what is not known then is temperror. Default 15,000. */
  readonly timeMs?: number;
  /** RSA keys shorter than this (bits) are `policy`. Default 1024, RFC 8301 §3.2. */
  readonly rsaBits?: number;
}

/**
 * The checks, each as early as it can be made: SPF and iprev while the client still talks.
 * None rejects: trouble is a result.
 */
export interface SenderChecks {
  iprev(address: string): Promise<Iprev>;
  /** RFC 7208 check_host for HELO or MAIL FROM. `sender` is the whole address; '' for the null sender. */
  spf(client: Client, sender: string, identity: 'mailfrom' | 'helo'): Promise<Spf>;
  /** Every signature of a message of octets with CRLF line ends. */
  dkim(message: readonly Buffer[], now?: Date): Promise<readonly Dkim[]>;
  /** `fromFields`: the octets of each From: field's value. More than one author domain: permerror. */
  dmarc(fromFields: readonly string[], spf: Spf, dkim: readonly Dkim[]): Promise<Dmarc>;
}
