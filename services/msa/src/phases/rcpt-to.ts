/** RCPT TO: strangers are routed by their domain, ours are checked. Pure; the directory has been asked. */
import type { Resolution } from '@waybill/auth-client';
import { type Reply, reply } from '@waybill/smtp';
import { type DraftRecipient, localDestination } from '@waybill/spool';

export const RECIPIENT_TAKEN = reply(250, '2.1.5', 'Recipient taken');
export const TOO_MANY_TARGETS = reply(452, '4.5.3', 'Too many recipients, send the rest separately');
export const DIRECTORY_AWAY = reply(451, '4.3.0', 'The directory does not answer, try again later');
const UNKNOWN = reply(550, '5.1.1', 'No such recipient here');

/** What the writer asked for with RCPT, as it goes into the spool. */
export interface Wish {
  /** The recipient as it was written, in its usual form. */
  readonly address: string;
  readonly notify: number;
  readonly orcpt?: string | undefined;
}

/** The routes of the domains where an alias leads to mailboxes of ours. */
export type Routes = ReadonlyMap<string, string>;

/**
 * The deliveries that one RCPT stands for, or why it is refused. A domain of ours whose route is 'mx' is left to
 * mx whole, aliases included: its mail goes out by DNS and comes back in; only unknown users are refused here.
 */
export function deliveriesFor(
  resolution: Resolution,
  wish: Wish,
  routes: Routes,
): readonly DraftRecipient[] | Reply {
  switch (resolution.status) {
    case 'not-ours':
      // A name without a domain is nobody's but ours, and the directory does not know it.
      return wish.address.includes('@') ? [byDomain(wish.address, wish)] : UNKNOWN;
    case 'unknown':
      return UNKNOWN;
    case 'try-later':
      return DIRECTORY_AWAY;
    case 'mailbox': {
      const { account, route } = resolution;
      const address = wish.address.includes('@') ? wish.address : account.address;
      return [route === 'local' ? local(address, account.accountId, wish) : byDomain(address, wish)];
    }
    case 'alias': {
      if (resolution.route !== 'local' && wish.address.includes('@')) return [byDomain(wish.address, wish)];
      if (resolution.targets.length === 0) return UNKNOWN;
      // Reports name what the writer wrote, not where it led (RFC 3461 §5.2.7.3).
      const named = { ...wish, orcpt: wish.orcpt ?? `rfc822;${wish.address}` };
      return resolution.targets.map(({ address, account }) =>
        account !== undefined && routes.get(domainOf(address)) === 'local'
          ? local(address, account.accountId, named)
          : byDomain(address, named),
      );
    }
  }
}

/**
 * The recipient as it goes to the next machine, or why it is refused: only what our directory surely knows to be
 * nobody. Aliases stay what they are; the next one resolves them.
 */
export function handedRecipient(resolution: Resolution, wish: Wish): readonly DraftRecipient[] | Reply {
  switch (resolution.status) {
    case 'unknown':
      return UNKNOWN;
    case 'try-later':
      return DIRECTORY_AWAY;
    case 'not-ours':
      return wish.address.includes('@') ? [byDomain(wish.address, wish)] : UNKNOWN;
    case 'mailbox':
      return [byDomain(wish.address.includes('@') ? wish.address : resolution.account.address, wish)];
    case 'alias':
      return resolution.targets.length === 0 ? UNKNOWN : [byDomain(wish.address, wish)];
  }
}

function byDomain(address: string, wish: Wish): DraftRecipient {
  return { ...common(address, wish), destination: domainOf(address) };
}

function local(address: string, accountId: string, wish: Wish): DraftRecipient {
  return { ...common(address, wish), destination: localDestination(accountId), accountId };
}

function common(
  address: string,
  { notify, orcpt }: Wish,
): { address: string; notify: number; orcpt?: string } {
  return orcpt === undefined ? { address, notify } : { address, notify, orcpt };
}

/** What stands behind the last @. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase();
}
