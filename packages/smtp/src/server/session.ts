import type { Mailbox } from '../address.ts';
import type { Reply } from '../reply.ts';
import type { MailParameters, RcptParameters } from '../envelope.ts';

/** What the engine knows of the peer; it changes when TLS starts. */
export interface Peer {
  /** Client address (from PROXY where a configured network said so). */
  readonly address: string;
  readonly port: number;
  /** Unique per connection, for logs and transcripts. */
  readonly sessionId: string;
  /** TLS facts, once TLS is up. */
  readonly tls?: { readonly protocol: string; readonly cipher: string };
  /** The agent's name from a verified client certificate's DNS SAN (`mta`, `mx`, …), if there is one. */
  readonly agent?: string;
}

/** A message as it came: dot-unstuffed octets with CRLF line ends. */
export interface ReceivedMessage {
  /** The octets, in order; never mutated by the engine afterwards. */
  readonly chunks: readonly Buffer[];
  readonly size: number;
}

/** A step of an AUTH exchange that the session conducts: base64 as on the wire, '' for an empty response. */
export interface SaslStepRequest {
  /** Upper case. */
  readonly mechanism: string;
  /** Undefined at the first step when the client sent no initial response. */
  readonly response: string | undefined;
  /** What the session gave with its last challenge. */
  readonly state: string | undefined;
}

/** The next challenge (base64), or the reply that ends the exchange; 235 makes the session authenticated. */
export type SaslStepAnswer = { readonly challenge: string; readonly state: string } | Reply;

/**
 * What a service does with one SMTP or LMTP conversation. The engine owns the grammar, the order of
 * commands, limits, timers, TLS and drain; a session owns policy. Every method answers with a Reply;
 * an exception becomes 451 4.3.0 and is logged (any unclassified error is temporary).
 * The engine never calls two methods of one session at the same time.
 */
export interface SmtpSession {
  /** Extra EHLO/LHLO keywords for this peer, for instance a private extension offered to agents only. */
  capabilities?(peer: Peer): readonly string[];
  /** EHLO, HELO or LHLO was said. Undefined accepts. */
  hello?(name: string, peer: Peer, extended: boolean): Reply | undefined | Promise<Reply | undefined>;
  /** AUTH finished its exchange (only ever under TLS). 235 makes the session authenticated. */
  authenticate?(username: string, password: string, mechanism: 'PLAIN' | 'LOGIN'): Promise<Reply>;
  /**
   * Mechanisms in the order in which EHLO names them; left out: PLAIN and LOGIN. These two the engine reads, and asks
   * `authenticate`; all others `sasl` conducts.
   */
  readonly mechanisms?: readonly string[];
  /** One step of AUTH with a mechanism that it conducts (only ever under TLS). The engine bounds lines, steps and failures. */
  sasl?(step: SaslStepRequest): Promise<SaslStepAnswer>;
  /** MAIL FROM; `from` is undefined for the null sender `<>`. */
  mail(from: Mailbox | undefined, parameters: MailParameters, peer: Peer): Reply | Promise<Reply>;
  /** RCPT TO. Only positive replies add a recipient. */
  rcpt(to: Mailbox, parameters: RcptParameters): Reply | Promise<Reply>;
  /** DATA is about to be answered; a reply refuses, undefined lets 354 be said. */
  data?(): Reply | undefined | Promise<Reply | undefined>;
  /**
   * The message is complete. SMTP: one reply. LMTP: one reply per accepted RCPT, in order, duplicates
   * included (RFC 2033 §4.2); a single reply is repeated for each.
   */
  message(message: ReceivedMessage): Promise<Reply | readonly Reply[]>;
  /** RSET, a new EHLO, STARTTLS, or the end of a transaction: forget the envelope. */
  reset?(): void;
  /** The connection is gone, for whatever reason. Called exactly once. */
  closed?(reason: string): void;
}
