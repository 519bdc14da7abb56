import type { Address } from './address-list.ts';
import type { SmtpConnection } from './connection.ts';
import type { OpenResult } from './open.ts';

/** How long an address rests after n troubles in a row, ms. */
const RESTS = [0, 100, 500, 1000, 2000, 5000];
/** What an address that is gone from its name may still finish, ms: a host that was cut off never would. */
const GONE_MS = 15_000;

/** A connection being opened, with the number of transactions that wait for it. */
export interface Opening {
  readonly result: Promise<OpenResult>;
  waiting: number;
}

/** One address of an inner service with its connections, and whether it is well. */
export class Backend {
  readonly address: Address;
  readonly connections = new Set<SmtpConnection>();
  readonly opening = new Set<Opening>();
  #troubles = 0;
  #restsUntil = 0;

  constructor(address: Address) {
    this.address = address;
  }

  /** Transactions in hand. */
  get load(): number {
    let load = 0;
    for (const opening of this.opening) load += opening.waiting;
    for (const connection of this.connections) load += connection.load;
    return load;
  }

  /** The last thing tried here went well. */
  get well(): boolean {
    return this.#troubles === 0;
  }

  rests(now: number): boolean {
    return this.#restsUntil > now;
  }

  wentWell(): void {
    this.#troubles = 0;
    this.#restsUntil = 0;
  }

  /** It could not be reached, said goodbye, or fell silent. Troubles of one rest count once. */
  hadTrouble(): void {
    const now = performance.now();
    if (this.rests(now)) return;
    this.#troubles++;
    this.#restsUntil = now + (RESTS[Math.min(this.#troubles, RESTS.length - 1)] ?? 0);
  }

  /** The least awaited of those under way. */
  get soonest(): Opening | undefined {
    let soonest: Opening | undefined;
    for (const one of this.opening) if (soonest === undefined || one.waiting < soonest.waiting) soonest = one;
    return soonest;
  }

  /** Its name no longer leads here: what is in hand may end, and where it is to be cut, not for ever. */
  leave(cut: boolean): void {
    for (const connection of this.connections) {
      connection.retire();
      if (!cut || connection.load === 0) continue;
      setTimeout(() => connection.destroy('the address is gone from its name'), GONE_MS).unref();
    }
  }
}
