/** RCPT: is this address ours, where does it lead, and what does its domain want done with forged mail? */
import type { Auth, Resolution } from '@waybill/auth-client';
import {
  type Custody,
  deliveriesFor,
  DIRECTORY_AWAY,
  handedRecipient,
  NO_ROUTES,
  routesOf,
  TOO_MANY_TARGETS,
} from '@waybill/custody';
import { notifyBits, type RcptParameters, type Reply } from '@waybill/smtp';
import type { DraftRecipient } from '@waybill/spool';
import type { Envelope } from './mail.ts';
import { mildest, type Policy } from './verdict.ts';

/** Deliveries of one message after aliases were expanded. */
const MAX_DELIVERIES = 5000;
/** Recipients that the journey of a refused message names. */
const NAMED = 20;

export interface Decided {
  readonly deliveries: readonly DraftRecipient[];
  readonly resolution: Resolution;
}

/** The deliveries that a RCPT stands for and its domain's policy, or why it is refused. */
export async function decideRecipient(
  {
    auth,
    custody,
  }: { readonly auth: Pick<Auth, 'resolveOne' | 'route'>; readonly custody: Pick<Custody, 'resolves'> },
  address: string,
  parameters: RcptParameters,
): Promise<Reply | Decided> {
  const resolution = await auth.resolveOne(address);
  const { resolves } = custody;
  const routes = resolves && resolution.status === 'alias' ? await routesOf(resolution, auth) : NO_ROUTES;
  if (routes === undefined) return DIRECTORY_AWAY;
  const wish = { address, notify: notifyBits(parameters.notify), orcpt: parameters.orcpt };
  const deliveries = resolves
    ? deliveriesFor(resolution, wish, routes, 'mx')
    : handedRecipient(resolution, wish, 'mx');
  return 'code' in deliveries ? deliveries : { deliveries, resolution };
}

/** Puts a taken recipient into the envelope. Answers what forbids it. */
export function addRecipient(
  envelope: Envelope,
  address: string,
  { deliveries, resolution }: Decided,
  site: Policy,
): Reply | undefined {
  const { recipients, named } = envelope;
  if (recipients.size + deliveries.length > MAX_DELIVERIES) return TOO_MANY_TARGETS;
  for (const delivery of deliveries) recipients.add(delivery);
  if (named.length < NAMED) named.push(address);
  envelope.taken++;
  const own = 'policy' in resolution ? { ...site, ...resolution.policy } : site;
  envelope.policy = envelope.policy === undefined ? own : mildest(envelope.policy, own);
  return undefined;
}
