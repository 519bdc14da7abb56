/** Connect: whether this client is heard at all, and what its address alone can tell. */
import type { Iprev } from '@waybill/mail-auth';
import { type Reply, reply } from '@waybill/smtp';
import type { Gate } from '../gate/gate.ts';
import { type Listed, NOT_LISTED } from './facts.ts';

/** Why a client is not served; `why` is a metric's label. */
export interface TurnedAway {
  readonly why: 'banned' | 'too-often';
  readonly reply: Reply;
}

/** Undefined for whom is welcome. Whoever hides behind an address of ours is not judged by it. */
export function turnAway(gate: Gate, address: string): TurnedAway | undefined {
  if (gate.lost.hides(address)) return undefined;
  const ban = gate.bans.banOf(address);
  // RFC 5321 §3.1: 554 has mail returned at once. A ban that ends, as those for guessing passwords do, only delays it.
  if (ban !== undefined) {
    const text = `No mail is taken from ${address}: ${ban.reason}`;
    const forGood = ban.until === Number.POSITIVE_INFINITY;
    return { why: 'banned', reply: forGood ? reply(554, '5.7.1', text) : reply(421, '4.7.1', text) };
  }
  if (gate.unlimited.has(address)) return undefined;
  const over = gate.connections.take(address);
  if (over === undefined) return undefined;
  // RFC 5321 §3.8: a server that takes no more says 421 and closes.
  const text = `Too many connections from your ${over === 'client' ? 'address' : 'network'}, try again later`;
  return { why: 'too-often', reply: reply(421, '4.7.1', text) };
}

/** What can be found out about a client, each asked for once; no promise rejects. */
export interface ClientInquiry {
  readonly iprev: () => Promise<Iprev>;
  readonly lists: () => Promise<Listed>;
  /** The answer of `lists`, once it was asked for and is here. */
  readonly listed: () => Listed | undefined;
}

export const HIDDEN_IPREV: Iprev = {
  result: 'permerror',
  name: undefined,
  comment: 'the client address is hidden',
};

/** The look-ups that need nothing but the address. */
export function inquireClient({ checks, lists, lost }: Gate, address: string): ClientInquiry {
  let iprev: Promise<Iprev> | undefined;
  let found: Promise<Listed> | undefined;
  let known: Listed | undefined;
  return {
    iprev: () => (iprev ??= lost.hides(address) ? Promise.resolve(HIDDEN_IPREV) : checks.iprev(address)),
    lists: () =>
      (found ??= (lost.hides(address) ? Promise.resolve(NOT_LISTED) : lists.find(address)).then(
        (listed) => (known = listed),
      )),
    listed: () => known,
  };
}
