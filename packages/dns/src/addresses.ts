import ipaddr from 'ipaddr.js';

/**
 * Which addresses mail may be sent to: those of the public internet. Loopback, private, link-local,
 * shared (RFC 6598), documentation and all other special ranges are refused, in IPv6's wrappings of
 * IPv4 too: a stranger's MX must not lead us into our own network. Ask about the very address that
 * connect() is given.
 */
export class AddressPolicy {
  readonly #allowed: readonly Range[];
  readonly #intranet: readonly Range[];

  /**
   * @param allowed ranges permitted besides, in CIDR form
   * @param intranet likewise, but for the machine itself and its link
   * @throws Error for one that is none
   */
  constructor(allowed: readonly string[] = [], intranet: readonly string[] = []) {
    this.#allowed = allowed.map((range) => ipaddr.parseCIDR(range));
    this.#intranet = intranet.map((range) => ipaddr.parseCIDR(range));
  }

  permits(text: string): boolean {
    if (!ipaddr.isValid(text)) return false;
    const address = unwrap(ipaddr.parse(text));
    if (address.range() === 'unicast') return true;
    if (inside(address, this.#allowed)) return true;
    return !NOT_OF_INTRANET.has(address.range()) && inside(address, this.#intranet);
  }
}

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** Nobody's mail host is this machine itself, everybody, or on a link without names. */
const NOT_OF_INTRANET: ReadonlySet<string> = new Set([
  'unspecified',
  'broadcast',
  'multicast',
  'linkLocal',
  'loopback',
]);

function inside(address: ipaddr.IPv4 | ipaddr.IPv6, ranges: readonly Range[]): boolean {
  return ranges.some((range) => address.kind() === range[0].kind() && address.match(range));
}

/** The IPv4 address inside a v4-mapped (RFC 4291 §2.5.5.2) or NAT64 (RFC 6052 §2.1) one. */
function unwrap(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (!(address instanceof ipaddr.IPv6)) return address;
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  if (address.range() !== 'rfc6052') return address;
  return new ipaddr.IPv4(address.toByteArray().slice(12));
}

/** The address in a literal such as `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3); undefined when it is none. */
export function literalAddress(domain: string): string | undefined {
  if (!domain.startsWith('[') || !domain.endsWith(']')) return undefined;
  const inner = domain.slice(1, -1);
  if (inner.slice(0, 5).toLowerCase() !== 'ipv6:')
    return ipaddr.IPv4.isValidFourPartDecimal(inner) ? inner : undefined;
  return ipaddr.IPv6.isValid(inner.slice(5)) ? inner.slice(5) : undefined;
}
