import type { Reply } from '../reply.ts';

/** What a peer offered in its answer to EHLO or LHLO. */
export interface Capabilities {
  /** RFC 2920. */
  readonly pipelining: boolean;
  /** RFC 6152. */
  readonly eightBitMime: boolean;
  /** RFC 6531. */
  readonly smtputf8: boolean;
  /** RFC 3461. */
  readonly dsn: boolean;
  /** RFC 3207. */
  readonly starttls: boolean;
  /** RFC 1870: undefined = not offered, 0 = no fixed limit. Octets. */
  readonly size: number | undefined;
  /** RFC 4954: mechanisms in upper case. */
  readonly auth: ReadonlySet<string>;
  /** Private: the peer is one of our agents and takes XDELIVERY, XACCOUNT and XJOURNEY. Believe it where its certificate was checked. */
  readonly waybill: boolean;
}

/** A peer that knows only HELO. */
export const NO_CAPABILITIES: Capabilities = {
  pipelining: false,
  eightBitMime: false,
  smtputf8: false,
  dsn: false,
  starttls: false,
  size: undefined,
  auth: new Set(),
  waybill: false,
};

/** Reads an EHLO answer, RFC 5321 §4.1.1.1; keywords come in any case. */
export function parseCapabilities(answer: Reply): Capabilities {
  const offered = new Map<string, readonly string[]>();
  for (const line of answer.lines.slice(1)) {
    const words = line.trim().toUpperCase().split(' ');
    const keyword = words[0] ?? '';
    // `AUTH=PLAIN` is an old spelling that is still met.
    if (keyword.startsWith('AUTH=')) offered.set('AUTH', [keyword.slice(5), ...words.slice(1)]);
    else offered.set(keyword, words.slice(1));
  }
  const size = offered.get('SIZE');
  return {
    pipelining: offered.has('PIPELINING'),
    eightBitMime: offered.has('8BITMIME'),
    smtputf8: offered.has('SMTPUTF8'),
    dsn: offered.has('DSN'),
    starttls: offered.has('STARTTLS'),
    size: size === undefined ? undefined : Math.trunc(Number(size[0] ?? 0)) || 0,
    auth: new Set(offered.get('AUTH')),
    waybill: offered.has('XWAYBILL'),
  };
}
