/** IP addresses as octets: prefixes, names of the reverse tree, and how they are written. */
import net from 'node:net';

/** 4 or 16 octets. */
export type IpAddress = Uint8Array;

/** An address as octets, IPv4 inside of IPv6 (RFC 4291 §2.5.5.2) as IPv4; undefined for what is none. */
export function readAddress(text: string): IpAddress | undefined {
  const zone = text.indexOf('%');
  const octets = parseAddress(zone === -1 ? text : text.slice(0, zone));
  if (octets?.length !== 16) return octets;
  for (let i = 0; i < 10; i++) if (octets[i] !== 0) return octets;
  return octets[10] === 0xff && octets[11] === 0xff ? octets.subarray(12) : octets;
}

/** As it is written: an IPv4 address inside of an IPv6 one stays there. */
export function parseAddress(text: string): IpAddress | undefined {
  if (net.isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  if (!net.isIPv6(text) || text.includes('%')) return undefined;
  const [head = '', tail] = text.split('::');
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const out = new Uint8Array(16);
  write(left, out, 0);
  write(right, out, 16 - 2 * right.length);
  return out;
}

function groups(text: string): number[] {
  if (text === '') return [];
  const out: number[] = [];
  for (const group of text.split(':')) {
    if (!group.includes('.')) {
      out.push(Number.parseInt(group, 16));
      continue;
    }
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    out.push(a * 256 + b, c * 256 + d);
  }
  return out;
}

function write(values: readonly number[], out: Uint8Array, at: number): void {
  for (const [i, value] of values.entries()) {
    out[at + 2 * i] = value >> 8;
    out[at + 2 * i + 1] = value & 0xff;
  }
}

/** Whether both are of one family and their first `bits` are the same. */
export function samePrefix(a: IpAddress, b: IpAddress, bits: number): boolean {
  if (a.length !== b.length) return false;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false;
  const rest = bits & 7;
  return rest === 0 || ((a[whole] as number) ^ (b[whole] as number)) >> (8 - rest) === 0;
}

/** As SPF's %{i} writes it: dotted decimal, or dotted nibbles (RFC 7208 §7.3). */
export function dotted(address: IpAddress): string {
  if (address.length === 4) return address.join('.');
  const nibbles: string[] = [];
  for (const octet of address) nibbles.push((octet >> 4).toString(16), (octet & 15).toString(16));
  return nibbles.join('.').toUpperCase();
}

/** Where its PTR records are (RFC 1035 §3.5, RFC 3596 §2.5). */
export function reverseName(address: IpAddress): string {
  const backwards = dotted(address).toLowerCase().split('.').reverse().join('.');
  return `${backwards}.${address.length === 4 ? 'in-addr' : 'ip6'}.arpa`;
}

/** For people: dotted decimal, or RFC 5952. */
export function writeAddress(address: IpAddress): string {
  if (address.length === 4) return address.join('.');
  const fields: string[] = [];
  for (let i = 0; i < 16; i += 2)
    fields.push((((address[i] as number) << 8) | (address[i + 1] as number)).toString(16));
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && fields[at + length] === '0') length++;
    if (length > best.length) best = { at, length };
  }
  if (best.at === -1) return fields.join(':');
  return `${fields.slice(0, best.at).join(':')}::${fields.slice(best.at + best.length).join(':')}`;
}
