/** Where one RCPT leads: the decision of every door that takes mail. Pure, but for `routesOf`, which asks before. */
import { type Auth, isTryLater, type Resolution } from '@waybill/auth-client';
import { type Reply, reply } from '@waybill/smtp';
import { type DraftRecipient, localDestination, type Origin, targetDeliveryId } from '@waybill/spool';

/** What was asked for with RCPT, as it goes into the spool. */
export interface Wish {
  /** The recipient as it was written, in its usual form. */
  readonly address: string;
  readonly notify: number;
  readonly orcpt?: string | undefined;
  /** The name that an mta before us gave the delivery. */
  readonly deliveryId?: string | undefined;
}

/** How the domains of alias targets of ours travel: `local`, `mx` or `lmtp://host:port`. */
export type Routes = ReadonlyMap<string, string>;
/** For all that leads to no alias. */
export const NO_ROUTES: Routes = new Map();

export const RECIPIENT_TAKEN = reply(250, '2.1.5', 'Recipient taken');
export const TOO_MANY_TARGETS = reply(452, '4.5.3', 'Too many recipients, send the rest separately');
export const DIRECTORY_AWAY = reply(451, '4.3.0', 'The directory does not answer, try again later');
// Never an open relay: nothing but the directory makes an address ours.
const RELAYING_DENIED = reply(550, '5.7.1', 'Relaying denied');
const UNKNOWN = reply(550, '5.1.1', 'No such recipient here');

/** Whose mail it is: `mx` strangers', `msa` our writers'. */
export type Taken = Exclude<Origin, 'dsn'>;

/**
 * The deliveries that one RCPT stands for, or why it is refused. Strangers' mail goes to addresses of ours only, and
 * is delivered here also where the domain's route is 'mx', or it would circle. Our writers' goes anywhere; what
 * they send to a domain of ours with route 'mx' leaves by DNS whole, aliases included, and comes back in.
 */
export function deliveriesFor(
  resolution: Resolution,
  wish: Wish,
  routes: Routes,
  origin: Taken,
): readonly DraftRecipient[] | Reply {
  const atHome = (route: string): boolean =>
    origin === 'mx' ? !route.startsWith('lmtp://') : route === 'local';
  switch (resolution.status) {
    case 'not-ours':
      if (origin === 'mx') return RELAYING_DENIED;
      // A name without a domain is nobody's but ours, and the directory does not know it.
      return wish.address.includes('@') ? [byDomain(wish)] : UNKNOWN;
    case 'unknown':
      return UNKNOWN;
    case 'try-later':
      return DIRECTORY_AWAY;
    case 'mailbox': {
      const { account, route } = resolution;
      const named = { ...wish, address: addressOf(resolution, wish) };
      return [atHome(route) ? local(named, account.accountId) : byDomain(named)];
    }
    case 'alias': {
      if (origin === 'msa' && resolution.route !== 'local' && wish.address.includes('@'))
        return [byDomain(wish)];
      if (resolution.targets.length === 0) return UNKNOWN;
      // Reports name what the sender wrote, not where it led (RFC 3461 §5.2.7.3).
      const orcpt = wish.orcpt ?? `rfc822;${wish.address}`;
      return resolution.targets.map(({ address, account }) => {
        const deliveryId =
          wish.deliveryId === undefined
            ? undefined
            : targetDeliveryId(wish.deliveryId, account?.accountId ?? address);
        const target = { ...wish, address, orcpt, deliveryId };
        return account !== undefined && atHome(routes.get(domainOf(address)) ?? 'local')
          ? local(target, account.accountId)
          : byDomain(target);
      });
    }
  }
}

/**
 * The recipient as it goes to the next machine, or why it is refused: only what our directory surely knows is
 * decided here; aliases stay what they are, for the next one resolves them.
 */
export function handedRecipient(
  resolution: Resolution,
  wish: Wish,
  origin: Taken,
): readonly DraftRecipient[] | Reply {
  if (resolution.status === 'alias' && resolution.targets.length === 0) return UNKNOWN;
  const decided = deliveriesFor(resolution, wish, NO_ROUTES, origin);
  return 'code' in decided ? decided : [byDomain({ ...wish, address: addressOf(resolution, wish) })];
}

/** The bare postmaster of RFC 5321 §4.5.1 gets the domain of who answers for it. */
function addressOf(resolution: Resolution, wish: Wish): string {
  return resolution.status === 'mailbox' && !wish.address.includes('@')
    ? resolution.account.address
    : wish.address;
}

function byDomain(wish: Wish): DraftRecipient {
  return { ...common(wish), destination: domainOf(wish.address) };
}

function local(wish: Wish, accountId: string): DraftRecipient {
  return { ...common(wish), destination: localDestination(accountId), accountId };
}

function common({ address, notify, orcpt, deliveryId }: Wish): Omit<DraftRecipient, 'destination'> {
  return {
    address,
    notify,
    ...(orcpt === undefined ? {} : { orcpt }),
    ...(deliveryId === undefined ? {} : { deliveryId }),
  };
}

/** The routes that `deliveriesFor` needs for an alias; undefined when the directory is away. */
export async function routesOf(
  alias: Resolution & { status: 'alias' },
  auth: Pick<Auth, 'route'>,
): Promise<Routes | undefined> {
  const routes = new Map<string, string>();
  for (const { address, account } of alias.targets) {
    const domain = domainOf(address);
    if (account === undefined || routes.has(domain)) continue;
    const answer = await auth.route(domain);
    if (isTryLater(answer)) return undefined;
    routes.set(domain, answer.route);
  }
  return routes;
}

/** What stands behind the last @. */
function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase();
}
