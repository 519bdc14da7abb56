/** How often something may happen per minute: for one client, and together for its network. */
import { clientGroups } from './client-network.ts';

/** A network may do so many times what one of its clients may. */
const NETWORK_FACTOR = 4;
/** Clients and networks that are remembered; whoever was not heard of for longest is forgotten. */
const MAX_BUCKETS = 20_000;

interface Bucket {
  tokens: number;
  at: number;
}

/** A bucket of a minute's worth for each, refilled steadily. */
export class Rates {
  readonly #perMinute: number;
  readonly #now: () => number;
  readonly #clients = new Map<string, Bucket>();
  readonly #networks = new Map<string, Bucket>();

  /** @param perMinute for one client; 0: no limit. @param now ms, monotonic */
  constructor(perMinute: number, now: () => number = () => performance.now()) {
    this.#perMinute = perMinute;
    this.#now = now;
  }

  /** Counts one; answers who is over its limit, in which case nothing was counted. */
  take(address: string): 'client' | 'network' | undefined {
    if (this.#perMinute === 0) return undefined;
    const { client, network } = clientGroups(address);
    const now = this.#now();
    const own = this.#bucket(this.#clients, client, this.#perMinute, now);
    const all = this.#bucket(this.#networks, network, this.#perMinute * NETWORK_FACTOR, now);
    if (own.tokens < 1) return 'client';
    if (all.tokens < 1) return 'network';
    own.tokens--;
    all.tokens--;
    return undefined;
  }

  #bucket(buckets: Map<string, Bucket>, key: string, size: number, now: number): Bucket {
    let bucket = buckets.get(key);
    if (bucket === undefined) {
      if (buckets.size >= MAX_BUCKETS)
        for (const oldest of buckets.keys()) {
          buckets.delete(oldest);
          break;
        }
      bucket = { tokens: size, at: now };
    } else {
      // Taken out and put back: a Map keeps the order of insertion.
      buckets.delete(key);
      bucket.tokens = Math.min(size, bucket.tokens + ((now - bucket.at) * size) / 60_000);
      bucket.at = now;
    }
    buckets.set(key, bucket);
    return bucket;
  }
}
