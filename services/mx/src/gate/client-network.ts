/** What counts as one client, and what as its neighbourhood, for limits by address; and how DNS lists spell it. */
import { isIPv4 } from 'node:net';
import { parseIp } from '@waybill/auth-client';

export interface ClientGroups {
  /** An IPv4 address, or the /64 that one IPv6 host usually owns. */
  readonly client: string;
  /** Its IPv4 /24, or IPv6 /48. */
  readonly network: string;
}

export function clientGroups(address: string): ClientGroups {
  if (isIPv4(address)) return { client: address, network: address.slice(0, address.lastIndexOf('.')) };
  const groups = nibbles(address);
  return { client: groups.slice(0, 16), network: groups.slice(0, 12) };
}

/** The address as lists spell it: octets or nibbles backwards (RFC 5782 §2.1, §2.4). */
export function reversed(address: string): string {
  if (isIPv4(address)) return address.split('.').toReversed().join('.');
  return nibbles(address).split('').toReversed().join('.');
}

/** The 32 hexadecimal digits of an IPv6 address. */
function nibbles(address: string): string {
  return (parseIp(address)?.value ?? 0n).toString(16).padStart(32, '0');
}
