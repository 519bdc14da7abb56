/** Which client addresses are nobody's in particular: of no use to DNS lists, and suspicious where all clients have the same. */
import fs from 'node:fs';
import os from 'node:os';
import { isInner, Networks, plainAddress } from '@waybill/listener';

const LOOPBACK = new Networks('127.0.0.0/8, ::1/128');

/** Nobody sends from such an address over the Internet: whoever is seen there may be a gateway in front of somebody else. */
export function mayStandIn(address: string): boolean {
  return isInner(address) && !LOOPBACK.has(address);
}

/**
 * Addresses at which a proxy or a balancer may stand in for a client: inner ones, this host's own, and its gateway.
 * Reads the interfaces and, on Linux, the routing table, once.
 */
export function standIns(): (address: string) => boolean {
  const own = new Set<string>();
  for (const list of Object.values(os.networkInterfaces()))
    for (const one of list ?? []) own.add(plainAddress(one.address));
  const gateway = defaultGateway();
  if (gateway !== undefined) own.add(gateway);
  return (address) => own.has(address) || isInner(address);
}

function defaultGateway(): string | undefined {
  try {
    return gatewayOf(fs.readFileSync('/proc/net/route', 'latin1'));
  } catch {
    return undefined; // not Linux
  }
}

/** The gateway of the default route in the format of /proc/net/route: octets in hexadecimal, the last one first. */
export function gatewayOf(table: string): string | undefined {
  for (const line of table.split('\n').slice(1)) {
    const [, destination, gateway] = line.split('\t');
    if (destination !== '00000000' || gateway?.length !== 8 || gateway === '00000000') continue;
    const octets = [6, 4, 2, 0].map((at) => Number.parseInt(gateway.slice(at, at + 2), 16));
    if (octets.every((octet) => Number.isInteger(octet))) return octets.join('.');
  }
  return undefined;
}
