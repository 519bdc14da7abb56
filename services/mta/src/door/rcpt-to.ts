/** RCPT TO at the inner door: our own directory decides where it goes, whatever the agent before us knew. Pure. */
import type { Resolution } from '@waybill/auth-client';
import { type Reply, reply } from '@waybill/smtp';
import { type DraftRecipient, localDestination, type Origin, targetDeliveryId } from '@waybill/spool';

export const RECIPIENT_TAKEN = reply(250, '2.1.5', 'Recipient taken');
export const TOO_MANY_TARGETS = reply(452, '4.5.3', 'Too many recipients, send the rest separately');
export const DIRECTORY_AWAY = reply(451, '4.3.0', 'The directory does not answer, try again later');
const UNKNOWN = reply(550, '5.1.1', 'No such recipient here');
const NOT_OURS = reply(550, '5.7.1', 'Mail of strangers goes to addresses of ours only');

/** What was asked for with RCPT, as it goes into the spool. */
export interface Wish {
  /** The recipient as it was written, in its usual form. */
  readonly address: string;
  readonly notify: number;
  readonly orcpt?: string | undefined;
  /** The name that an mta before us gave the delivery. */
  readonly deliveryId?: string | undefined;
}

/** The routes of the domains where an alias leads to mailboxes of ours. */
export type Routes = ReadonlyMap<string, string>;

/**
 * The deliveries that one RCPT stands for, or why it is refused: msa's decision for mail of our writers, mx's for
 * mail of strangers. What mx brings is delivered here also where the domain's route is 'mx', or it would
 * circle; what a writer sent to such a domain leaves by DNS, aliases included.
 */
export function deliveriesFor(
  resolution: Resolution,
  wish: Wish,
  routes: Routes,
  origin: Exclude<Origin, 'dsn'>,
): readonly DraftRecipient[] | Reply {
  const atHome = (route: string): boolean =>
    origin === 'mx' ? !route.startsWith('lmtp://') : route === 'local';
  switch (resolution.status) {
    case 'not-ours':
      if (origin === 'mx') return NOT_OURS;
      return wish.address.includes('@') ? [delivery(wish.address, undefined, wish)] : UNKNOWN;
    case 'unknown':
      return UNKNOWN;
    case 'try-later':
      return DIRECTORY_AWAY;
    case 'mailbox': {
      const { account, route } = resolution;
      // The bare postmaster of RFC 5321 §4.5.1 gets the domain of who answers for it.
      const address = wish.address.includes('@') ? wish.address : account.address;
      return [delivery(address, atHome(route) ? account.accountId : undefined, wish)];
    }
    case 'alias': {
      if (origin === 'msa' && resolution.route !== 'local' && wish.address.includes('@'))
        return [delivery(wish.address, undefined, wish)];
      if (resolution.targets.length === 0) return UNKNOWN;
      // Reports name what the sender wrote, not where it led (RFC 3461 §5.2.7.3).
      const named = { ...wish, orcpt: wish.orcpt ?? `rfc822;${wish.address}` };
      return resolution.targets.map(({ address, account }) => {
        const home = account !== undefined && atHome(routes.get(domainOf(address)) ?? 'local');
        const { deliveryId } = named;
        return delivery(address, home ? account.accountId : undefined, {
          ...named,
          deliveryId:
            deliveryId === undefined
              ? undefined
              : targetDeliveryId(deliveryId, account?.accountId ?? address),
        });
      });
    }
  }
}

function delivery(
  address: string,
  accountId: string | undefined,
  { notify, orcpt, deliveryId }: Wish,
): DraftRecipient {
  return {
    address,
    notify,
    destination: accountId === undefined ? domainOf(address) : localDestination(accountId),
    ...(accountId === undefined ? {} : { accountId }),
    ...(orcpt === undefined ? {} : { orcpt }),
    ...(deliveryId === undefined ? {} : { deliveryId }),
  };
}

/** What stands behind the last @. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase();
}
