import ipaddr from 'ipaddr.js';
import type { Networks } from './networks.ts';

export interface ConnectionLimits {
  /** Connections open at a time, over all clients. */
  readonly maxConnections: number;
  /** Connections open at a time from one IPv4 address or one IPv6 /64. */
  readonly maxPerAddress: number;
  /** Clients that `maxPerAddress` does not bind. */
  readonly unlimited: Networks;
}

/** Counts open connections and says which further one is too many. */
export class AddressLimits {
  readonly #limits: ConnectionLimits;
  readonly #open = new Map<string, number>();
  #total = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Takes a place. The answer gives it back, once; undefined means that there is none. */
  take(address: string): { release: () => void } | 'too-many' | 'too-many-from-address' {
    if (this.#total >= this.#limits.maxConnections) return 'too-many';
    const key = addressGroup(address);
    const open = this.#open.get(key) ?? 0;
    if (open >= this.#limits.maxPerAddress && !this.#limits.unlimited.has(address))
      return 'too-many-from-address';
    this.#total++;
    this.#open.set(key, open + 1);
    return { release: () => this.#release(key) };
  }

  #release(key: string): void {
    this.#total--;
    const left = (this.#open.get(key) ?? 1) - 1;
    if (left === 0) this.#open.delete(key);
    else this.#open.set(key, left);
  }
}

/** What counts as one client: an IPv4 address, or the /64 that one IPv6 host usually owns. */
export function addressGroup(address: string): string {
  if (!address.includes(':')) return address;
  if (!ipaddr.IPv6.isValid(address)) return address;
  return ipaddr.IPv6.parse(address)
    .parts.slice(0, 4)
    .map((part) => part.toString(16))
    .join(':');
}
