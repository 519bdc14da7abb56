import { type Ban, type BanList, isTryLater } from './contract.ts';
import { NetworkTable, parseIp, parseNetwork } from './network.ts';

/**
 * The bans as an agent knows them: asked for every few seconds, kept as they were while auth is away.
 * An expired ban counts no more, whatever the list says.
 */
export interface BanWatch extends AsyncDisposable {
  /** Why nobody at this address is heard; undefined for everybody else and for what is no address. */
  reasonFor(address: string): string | undefined;
  /** The same with its end: Unix time in ms, Infinity for good. */
  banOf(address: string): BanInForce | undefined;
  /** Bans known. */
  readonly size: number;
  /** The first list is here, or could not be had. Never rejects. */
  readonly ready: Promise<void>;
}

export interface BanInForce {
  readonly reason: string;
  /** Unix time in ms. */
  readonly until: number;
}

/** @param everyMs between two looks, give or take a fifth, so that many replicas do not ask at once. Default 5,000 */
export function watchBans(list: BanList, everyMs = 5000): BanWatch {
  let known = new NetworkTable<BanInForce>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const look = async (): Promise<void> => {
    const bans = await list.bans();
    if (closed) return;
    if (!isTryLater(bans)) known = tableOf(bans);
    timer = setTimeout(again, everyMs * (0.8 + 0.4 * Math.random()));
    timer.unref();
  };
  const again = (): void => {
    under = look();
  };
  let under = look();
  const banOf = (address: string): BanInForce | undefined => {
    if (known.size === 0) return undefined;
    const ip = parseIp(address);
    if (ip === undefined) return undefined;
    for (const ban of known.around(ip)) if (ban.until > Date.now()) return ban;
    return undefined;
  };
  return {
    ready: under,
    get size() {
      return known.size;
    },
    reasonFor: (address) => banOf(address)?.reason,
    banOf,
    async [Symbol.asyncDispose]() {
      closed = true;
      clearTimeout(timer);
      await under;
    },
  };
}

function tableOf(bans: readonly Ban[]): NetworkTable<BanInForce> {
  const table = new NetworkTable<BanInForce>();
  for (const { network, reason, until } of bans) {
    const parsed = parseNetwork(network);
    const end = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until);
    if (parsed !== undefined && !Number.isNaN(end)) table.set(parsed, { reason, until: end });
  }
  return table;
}
