/** RCPT TO: is it ours, is it known, and where does it go? Pure; the directory has been asked. */
import type { Resolution } from '@waybill/auth-client';
import { type Reply, reply } from '@waybill/smtp';
import { type DraftRecipient, localDestination } from '@waybill/spool';

export const RECIPIENT_TAKEN = reply(250, '2.1.5', 'Recipient taken');
export const TOO_MANY_TARGETS = reply(452, '4.5.3', 'Too many recipients, send the rest separately');
// Never an open relay: nothing but the directory makes an address ours.
const RELAYING_DENIED = reply(550, '5.7.1', 'Relaying denied');
const UNKNOWN = reply(550, '5.1.1', 'No such recipient here');
export const DIRECTORY_AWAY = reply(451, '4.3.0', 'The directory does not answer, try again later');

/** What the sender asked for with RCPT, as it goes into the spool. */
export interface Wish {
  /** The recipient as it was written, in its usual form. */
  readonly address: string;
  readonly notify: number;
  readonly orcpt?: string | undefined;
}

/** How the domain of an address of ours travels: `local`, `mx` or `lmtp://host:port`. */
export type Routes = ReadonlyMap<string, string>;

/**
 * The deliveries that one RCPT stands for, or why it is refused. `routes` tells the routes of the domains of
 * alias targets. What mx accepted is delivered here also where the domain's route is 'mx': otherwise it would
 * go round in circles.
 */
export function deliveriesFor(
  resolution: Resolution,
  wish: Wish,
  routes: Routes,
): readonly DraftRecipient[] | Reply {
  switch (resolution.status) {
    case 'not-ours':
      return RELAYING_DENIED;
    case 'unknown':
      return UNKNOWN;
    case 'try-later':
      return DIRECTORY_AWAY;
    case 'mailbox': {
      const { account, route } = resolution;
      // The bare postmaster of RFC 5321 §4.5.1 gets the domain of who answers for it.
      const address = wish.address.includes('@') ? wish.address : account.address;
      return [delivery(address, account.accountId, route, wish)];
    }
    case 'alias': {
      if (resolution.targets.length === 0) return UNKNOWN;
      // Reports name what the sender wrote, not where it led (RFC 3461 §5.2.7.3).
      const named = { ...wish, orcpt: wish.orcpt ?? `rfc822;${wish.address}` };
      return resolution.targets.map(({ address, account }) =>
        delivery(address, account?.accountId, routes.get(domainOf(address)) ?? 'local', named),
      );
    }
  }
}

/**
 * The recipient as it goes to the next machine, or why it is refused: what is ours is decided here as ever, and
 * aliases stay what they are, for the next one resolves them.
 */
export function handedRecipient(resolution: Resolution, wish: Wish): readonly DraftRecipient[] | Reply {
  const decided = deliveriesFor(resolution, wish, new Map());
  if ('code' in decided) return decided;
  const address =
    resolution.status === 'mailbox' && !wish.address.includes('@')
      ? resolution.account.address
      : wish.address;
  return [delivery(address, undefined, '', wish)];
}

function delivery(address: string, accountId: string | undefined, route: string, wish: Wish): DraftRecipient {
  const common = {
    address,
    notify: wish.notify,
    ...(wish.orcpt === undefined ? {} : { orcpt: wish.orcpt }),
  };
  if (accountId === undefined || route.startsWith('lmtp://'))
    return { ...common, destination: domainOf(address) };
  return { ...common, destination: localDestination(accountId), accountId };
}

/** What stands behind the last @. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase();
}
