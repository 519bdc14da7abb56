/**
 * Notices that clients' addresses are lost: many names come from one inner address. Then that address says nothing
 * of anybody: it is used for no check and no limit, and is never trusted. Others are not touched by it: where a
 * proxy hides only those who come by IPv6, the rest is still known. Pure but for its memory of the last connections.
 */
export interface LostAddressOptions {
  /** Connections of one address that are looked at; 0: never lost. */
  readonly connections: number;
  /** Whether a proxy or a balancer might stand at this address. */
  readonly standIn: (address: string) => boolean;
}

/** So many names for so many connections: ten for fifty. */
const CONNECTIONS_PER_NAME = 5;
/** Inner addresses that are watched at a time. */
const MAX_WATCHED = 64;

/** The names that one address used in its last connections; a ring. */
interface Watched {
  readonly names: string[];
  next: number;
  lost: boolean;
}

export class LostAddress {
  readonly #options: LostAddressOptions;
  readonly #names: number;
  readonly #watched = new Map<string, Watched>();
  #lost = 0;
  /** Connections in a row that came from real addresses. */
  #real = 0;

  constructor(options: LostAddressOptions) {
    this.#options = options;
    this.#names = Math.max(2, Math.ceil(options.connections / CONNECTIONS_PER_NAME));
  }

  /** Addresses behind which clients are hidden. */
  get lost(): number {
    return this.#lost;
  }

  hides(address: string): boolean {
    return this.#lost > 0 && this.#watched.get(address)?.lost === true;
  }

  /** A connection has said who it is. Answers what that changes: for `found`, of all addresses. */
  observe(address: string, helo: string): 'lost' | 'found' | undefined {
    const { connections, standIn } = this.#options;
    if (connections === 0) return undefined;
    if (!standIn(address)) return this.#realOne();
    this.#real = 0;
    let watched = this.#watched.get(address);
    if (watched === undefined) {
      watched = { names: [], next: 0, lost: false };
      this.#watched.set(address, watched);
      this.#forgetOldest();
    }
    watched.names[watched.next] = helo.slice(0, 255).toLowerCase();
    watched.next = (watched.next + 1) % connections;
    if (watched.lost || watched.names.length < connections) return undefined;
    if (new Set(watched.names).size < this.#names) return undefined;
    watched.lost = true;
    this.#lost++;
    return 'lost';
  }

  /** Where only real ones come any more, addresses reach us again. */
  #realOne(): 'found' | undefined {
    if (this.#lost === 0 || ++this.#real < this.#options.connections) return undefined;
    this.#watched.clear();
    this.#lost = 0;
    this.#real = 0;
    return 'found';
  }

  #forgetOldest(): void {
    if (this.#watched.size <= MAX_WATCHED) return;
    for (const [address, { lost }] of this.#watched) {
      if (lost) continue;
      this.#watched.delete(address);
      return;
    }
  }
}

/** What the operator does about it, for the log. */
export const LOST_ADDRESS_FIX =
  'Many clients hide behind one address of ours. Compose: let the edge send PROXY headers and set WAYBILL_PROXY_FROM ' +
  'to its network. Docker: switch the userland proxy off ("userland-proxy": false in daemon.json), and give the ' +
  'network IPv6 where clients come by it. Kubernetes: externalTrafficPolicy: Local on the Service of mx, or PROXY ' +
  'headers from the balancer and WAYBILL_PROXY_FROM. Until then: no SPF, no DNS lists, no bans and no limits for it';
