import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { type BanWatch, type IpNetwork, NetworkTable, networkAround, parseIp } from '@waybill/auth-client';
import type { Bans } from './directory/bans.ts';
import type { Events } from './events.ts';
import type { Lane } from './password/hash-queue.ts';
import { isInner } from '@waybill/listener';
import type { Attempt, Penalties } from './penalties.ts';

/**
 * What stands before every login, by whatever mechanism: bans, and what earlier failures cost. And what
 * comes after a refusal: it is counted, a network that goes on is banned, and the answer goes out at a
 * beat, so that its moment does not say what was compared with what.
 */
export interface GateOptions {
  readonly penalties: Penalties;
  readonly bans: Bans;
  readonly watch: BanWatch;
  readonly events: Events;
  /** How long the first ban of a network lasts, in seconds. */
  readonly banSeconds: number;
  /** Networks that are never banned by us. */
  readonly neverBan: NetworkTable<true>;
  /** Milliseconds: a refusal is answered at the next multiple since the request came; 0: at once. */
  readonly beatMs: number;
}

/** An attempt that is heard. */
export interface Passage {
  /** Where its hashing waits. */
  readonly lane: Lane;
  /** To be called when it is over. */
  leave(): void;
}

/** Attempts that may sit out a delay at a time; more are told to try later. */
const MAX_DELAYED = 1000;

export class Gate {
  readonly #options: GateOptions;
  #delayed = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  isBanned(client: string): boolean {
    return this.#options.watch.reasonFor(client) !== undefined;
  }

  /** Sits out the delay that earlier failures cost; undefined when the attempt is not heard now. */
  async enter(attempt: Attempt): Promise<Passage | undefined> {
    const { penalties } = this.#options;
    const penalty = penalties.enter(attempt);
    if (penalty.kind === 'refuse') return undefined;
    if (penalty.ms > 0) {
      if (this.#delayed >= MAX_DELAYED) {
        penalties.leave(attempt);
        return undefined;
      }
      this.#delayed++;
      await pause(penalty.ms);
      this.#delayed--;
    }
    return { lane: penalty.clean || attempt.known ? 'front' : 'back', leave: () => penalties.leave(attempt) };
  }

  failed(attempt: Attempt): void {
    if (!this.#options.penalties.failed(attempt)) return;
    const network = bannable(attempt.client, this.#options.neverBan);
    if (network === undefined) return;
    const { bans, events, banSeconds } = this.#options;
    bans.found(network, 'too many failed logins', banSeconds).then(
      (ban) => ban !== undefined && events.banned(ban),
      (error: unknown) => events.failed('bans', error),
    );
  }

  succeeded(attempt: Attempt): void {
    this.#options.penalties.succeeded(attempt);
  }

  /**
   * Resolves at the beat.
   * @param arrived performance.now() when the request came
   * @param most a quicker beat, in ms, for what is no refusal
   */
  async beat(arrived: number, most = Number.POSITIVE_INFINITY): Promise<void> {
    const beatMs = Math.min(this.#options.beatMs, most);
    if (beatMs <= 0) return;
    const left = beatMs - ((performance.now() - arrived) % beatMs);
    const until = performance.now() + left;
    // Timers know whole milliseconds only; what they leave over would be a trace of the work.
    if (left > 2) await pause(left - 2);
    while (performance.now() < until) await nextTurn();
  }
}

/** The network to ban for a client; undefined for one that is never banned. */
function bannable(client: string, never: NetworkTable<true>): IpNetwork | undefined {
  const ip = parseIp(client);
  if (ip === undefined || isInner(client)) return undefined;
  for (const listed of never.around(ip)) if (listed) return undefined;
  return networkAround(ip, ip.family === 4 ? 32 : 64);
}
