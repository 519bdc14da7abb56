import { BlockList, isIP } from 'node:net';

/** A list of networks in CIDR notation, for instance who may send a PROXY header. Empty matches nobody. */
export class Networks {
  readonly #list = new BlockList();
  /** The entries as they were written. */
  readonly entries: readonly string[];

  /**
   * Reads `10.0.0.0/8, 192.0.2.7, fd00::/8`.
   * @throws Error naming the first entry that is no address or network.
   */
  constructor(text: string) {
    this.entries = text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '');
    for (const entry of this.entries) this.#add(entry);
  }

  #add(entry: string): void {
    const slash = entry.indexOf('/');
    const address = slash === -1 ? entry : entry.slice(0, slash);
    const version = isIP(address);
    const most = version === 4 ? 32 : 128;
    const bits = slash === -1 ? String(most) : entry.slice(slash + 1);
    const valid = /^\d{1,3}$/.test(bits) && Number(bits) <= most;
    if (version === 0 || !valid)
      throw new Error(`${JSON.stringify(entry)} is no address or network; write 10.0.0.0/8 or fd00::/8`);
    this.#list.addSubnet(address, Number(bits), version === 4 ? 'ipv4' : 'ipv6');
  }

  /** Whether the address lies in one of the networks. */
  has(address: string): boolean {
    if (this.entries.length === 0) return false;
    const version = isIP(address);
    return version !== 0 && this.#list.check(address, version === 4 ? 'ipv4' : 'ipv6');
  }
}

/** The address without the `::ffff:` that a dual-stack socket puts before an IPv4 address, and without zone. */
export function plainAddress(address: string): string {
  const zone = address.indexOf('%');
  const bare = zone === -1 ? address : address.slice(0, zone);
  return bare.startsWith('::ffff:') && isIP(bare.slice(7)) === 4 ? bare.slice(7) : bare;
}

/** RFC 6890: what is not of the Internet: this host, private, shared by carriers (RFC 6598), link-local. */
const INNER = new Networks(
  '0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16, ::/127, fc00::/7, fe80::/10',
);

/** Whether nobody can be reached there from outside, and several may stand behind it. False for what is no address. */
export function isInner(address: string): boolean {
  return INNER.has(plainAddress(address));
}
