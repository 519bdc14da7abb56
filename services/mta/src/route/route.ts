import { type Auth, isTryLater } from '@waybill/auth-client';
import { mailHosts, type MailHost, type Resolver } from '@waybill/dns';
import type { Relay } from './relay.ts';

/** The way that mail for a destination goes in this attempt. */
export type Route =
  | { readonly kind: 'mda' }
  /** LMTP to a foreign store, `host:port`. */
  | { readonly kind: 'lmtp'; readonly place: string }
  | { readonly kind: 'relay'; readonly relay: Relay }
  | { readonly kind: 'hosts'; readonly hosts: readonly MailHost[] }
  | { readonly kind: 'failed'; readonly enhanced: string; readonly text: string }
  /** `own`: it is our own agents that give no answer, not the world's DNS. */
  | { readonly kind: 'try-later'; readonly cause: string; readonly own?: true };

export interface RouteOptions {
  readonly auth: Pick<Auth, 'route'>;
  readonly resolver: Resolver;
  readonly relay: Relay | undefined;
  /** Our own host names, lower case. */
  readonly ownNames: readonly string[];
}

/** Computed for each attempt, never stored: what changed since the mail came is what counts. */
export async function routeOf(destination: string, options: RouteOptions): Promise<Route> {
  if (destination.startsWith('local/')) return { kind: 'mda' };
  const answer = destination.startsWith('[') ? undefined : await options.auth.route(destination);
  if (answer !== undefined && isTryLater(answer))
    return { kind: 'try-later', cause: 'auth gives no answer', own: true };
  const route = answer?.route ?? 'mx';
  if (route === 'local') return { kind: 'mda' };
  if (route.startsWith('lmtp://')) return { kind: 'lmtp', place: route.slice(7) };
  if (route !== 'mx') return { kind: 'try-later', cause: `the domain's route is not understood: ${route}` };
  // Mail for domains of ours goes out by their MX also where strangers' mail goes to a smart host.
  if (options.relay !== undefined && answer?.ours !== true) return { kind: 'relay', relay: options.relay };
  // A domain of ours whose MX is this very machine is no loop: mx takes its mail in and delivers it locally.
  const ownNames = answer?.ours === true ? [] : options.ownNames;
  const found = await mailHosts(options.resolver, destination, { ownNames });
  return found.kind === 'permanent' ? { ...found, kind: 'failed' } : found;
}

/** One line for people. */
export function describeRoute(route: Route): string {
  switch (route.kind) {
    case 'mda':
      return 'LMTP to mda';
    case 'lmtp':
      return `LMTP to ${route.place}`;
    case 'relay':
      return `smart host ${route.relay.name}`;
    case 'hosts':
      return route.hosts
        .map(({ preference, name, addresses }) => `${preference} ${name} [${addresses.join(', ')}]`)
        .join('; ')
        .slice(0, 500);
    case 'failed':
      return `${route.enhanced} ${route.text}`;
    case 'try-later':
      return route.cause;
  }
}
