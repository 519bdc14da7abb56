import { BlockList, isIP } from 'node:net';

/** The networks that may ask in clear. Empty matches nobody. */
export class ForeignNetworks {
  readonly #list = new BlockList();
  /** The entries as they were written, for the line at start. */
  readonly entries: readonly string[];

  /**
   * Reads `10.0.0.0/8, 192.0.2.7, fd00::/8`.
   * @throws Error naming the first entry that is no address or network
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
    if (version === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > most)
      throw new Error(`WAYBILL_FOREIGN_NETWORKS: ${JSON.stringify(entry)} is no address or network`);
    this.#list.addSubnet(address, Number(bits), version === 4 ? 'ipv4' : 'ipv6');
  }

  has(address: string): boolean {
    const version = isIP(address);
    return version !== 0 && this.#list.check(address, version === 4 ? 'ipv4' : 'ipv6');
  }
}

/** The address without the `::ffff:` that a dual-stack socket puts before an IPv4 address, and without zone. */
export function plainAddress(address: string): string {
  const [bare = ''] = address.split('%');
  return bare.startsWith('::ffff:') && isIP(bare.slice(7)) === 4 ? bare.slice(7) : bare;
}
