/** A span of octets inside a body: [start, end). */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** One MIME part, by offsets into the message body as stored (without the delivery's prefix). */
export interface Part {
  /** The part's header block, the empty line included. Empty for the parts that have none. */
  readonly header: Range;
  /** The part's content. */
  readonly content: Range;
  /** Lower case, e.g. `text`, `plain`. */
  readonly type: string;
  readonly subtype: string;
  readonly encoding: string;
  readonly charset: string;
  /** Children of multipart/*; the inner message's root of message/rfc822 (one element). */
  readonly parts: readonly Part[];
}

/**
 * What is known of a message without reading it again. `encodeSummary` writes it with a version
 * byte in front; `decodeSummary` reads it. ENVELOPE, BODY and BODYSTRUCTURE are stored as the
 * octets that go on the IMAP wire, so FETCH copies and never parses.
 */
export interface Summary {
  readonly envelope: Buffer;
  readonly body: Buffer;
  readonly bodyStructure: Buffer;
  /** The ranges of `bodyStructure` that BODY leaves out: extension data. */
  readonly extensions: readonly Range[];
  readonly root: Part;
  /** Lines in the message, for message/rfc822 nesting and POP3 TOP. */
  readonly lines: number;
  /** Message-ID as written, angle brackets included; '' where there is none. */
  readonly messageId: string;
  /** The Date field's time in ms since the epoch; null where it cannot be read. */
  readonly sentAt: number | null;
}
