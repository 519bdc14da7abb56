import net from 'node:net';

/** IP addresses and networks as values: parsed once, compared as numbers. Pure. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

export interface IpNetwork extends IpAddress {
  /** Length of the prefix. */
  readonly bits: number;
}

const WIDTH = { 4: 32, 6: 128 } as const;

/** An IPv4-mapped IPv6 address is its IPv4 address; a zone (`%eth0`) is left away. @returns undefined for anything else */
export function parseIp(text: string): IpAddress | undefined {
  if (net.isIPv4(text)) return { family: 4, value: ipv4(text) };
  const zone = text.indexOf('%');
  const bare = zone < 0 ? text : text.slice(0, zone);
  if (!net.isIPv6(bare)) return undefined;
  const value = ipv6(bare);
  // RFC 4291 §2.5.5.2
  return value >> 32n === 0xffffn ? { family: 4, value: value & 0xffff_ffffn } : { family: 6, value };
}

/** `address/bits`, or an address that stands for itself; host bits are cleared. @returns undefined for anything else */
export function parseNetwork(text: string): IpNetwork | undefined {
  const slash = text.indexOf('/');
  const address = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const digits = slash < 0 ? String(WIDTH[address.family]) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(digits) || Number(digits) > WIDTH[address.family]) return undefined;
  return networkAround(address, Number(digits));
}

/** The network of that prefix length which the address lies in. */
export function networkAround({ family, value }: IpAddress, bits: number): IpNetwork {
  const host = BigInt(WIDTH[family] - bits);
  return { family, value: (value >> host) << host, bits };
}

export function formatNetwork({ family, value, bits }: IpNetwork): string {
  if (family === 4) return `${[24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.')}/${bits}`;
  const groups = Array.from({ length: 8 }, (_, i) => (value >> BigInt(112 - 16 * i)) & 0xffffn);
  return `${new URL(`http://[${groups.map((group) => group.toString(16)).join(':')}]`).hostname.slice(1, -1)}/${bits}`;
}

/** Networks with something said of each; a look-up costs one step per prefix length that occurs. */
export class NetworkTable<T> {
  readonly #byBits = new Map<string, { readonly bits: number; readonly rows: Map<bigint, T> }>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  set(network: IpNetwork, value: T): void {
    const key = `${network.family}/${network.bits}`;
    let level = this.#byBits.get(key);
    if (level === undefined) this.#byBits.set(key, (level = { bits: network.bits, rows: new Map() }));
    if (!level.rows.has(network.value)) this.#size++;
    level.rows.set(network.value, value);
  }

  /** What is said of the networks that the address lies in. */
  *around(address: IpAddress): Generator<T> {
    for (const [key, { bits, rows }] of this.#byBits) {
      if (key.charCodeAt(0) - 48 !== address.family) continue;
      const found = rows.get(networkAround(address, bits).value);
      if (found !== undefined) yield found;
    }
  }
}

function ipv4(text: string): bigint {
  return BigInt(text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0));
}

function ipv6(text: string): bigint {
  // An IPv4 tail is two groups: RFC 4291 §2.2, third form.
  const tailAt = text.includes('.') ? text.lastIndexOf(':') + 1 : -1;
  const v4 = tailAt < 0 ? 0n : ipv4(text.slice(tailAt));
  const plain =
    tailAt < 0 ? text : `${text.slice(0, tailAt)}${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}`;
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}
