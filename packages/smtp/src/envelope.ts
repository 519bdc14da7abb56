/** Parameters of MAIL FROM, parsed (RFC 5321 §4.1.1.11 and the extensions named on each field). */
export interface MailParameters {
  /** Declared size in octets, RFC 1870. */
  readonly size?: number;
  /** RFC 6152. */
  readonly body?: '7BIT' | '8BITMIME';
  /** RFC 6531. */
  readonly smtputf8: boolean;
  /** RFC 3461 §4.3. */
  readonly ret?: 'FULL' | 'HDRS';
  /** RFC 3461 §4.4, xtext decoded. */
  readonly envid?: string;
  /** RFC 4954 §5, xtext decoded; never trusted. */
  readonly auth?: string;
  /**
   * Private, from verified agents only: the id under which this message is handed over. Who takes it keeps it
   * under this id, and a repeat of the same id is the same message.
   */
  readonly journeyId?: string;
}

/** NOTIFY values of RFC 3461 §4.1 as a set. */
export interface Notify {
  readonly never: boolean;
  readonly success: boolean;
  readonly failure: boolean;
  readonly delay: boolean;
}

/** Parameters of RCPT TO, parsed. */
export interface RcptParameters {
  readonly notify?: Notify;
  /** RFC 3461 §4.2: `rfc822;user@example.org`, xtext decoded. */
  readonly orcpt?: string;
  /** Private, from verified agents only: the delivery's id and the account it was resolved to. */
  readonly deliveryId?: string;
  readonly accountId?: string;
  /** Private likewise: the message's journey id. */
  readonly journeyId?: string;
}

/** The bits of notifyBits() as NOTIFY; undefined for 0. */
export function notifyOf(bits: number): Notify | undefined {
  if (bits === 0) return undefined;
  return {
    never: (bits & 1) !== 0,
    success: (bits & 2) !== 0,
    failure: (bits & 4) !== 0,
    delay: (bits & 8) !== 0,
  };
}

/** NOTIFY as bits: 1 never, 2 success, 4 failure, 8 delay; 0 where it was not given. */
export function notifyBits(notify: Notify | undefined): number {
  if (notify === undefined) return 0;
  return (
    (notify.never ? 1 : 0) | (notify.success ? 2 : 0) | (notify.failure ? 4 : 0) | (notify.delay ? 8 : 0)
  );
}
