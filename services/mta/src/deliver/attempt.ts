import type { Blobstore } from '@waybill/blobstore';
import { reply } from '@waybill/smtp';
import type { Transaction } from '@waybill/smtp/client';
import type { Claimed } from '@waybill/spool';
import type { Events } from '../events.ts';
import { isHostTrouble, type Verdict, verdictOf } from '../outcome.ts';
import type { ReturnPaths } from '../forward/return-path.ts';
import type { Closing } from '../return/closing.ts';
import { describeRoute, type Route } from '../route/route.ts';
import type { Signer } from '../sign/signer.ts';
import type { Leases } from '../work/leases.ts';
import type { BodyBudget } from './body-budget.ts';
import { envelope } from './envelope.ts';
import type { AgentSender } from './over-agents.ts';
import type { LmtpSender } from './over-lmtp.ts';
import type { Conversation, Peer, SmtpSender } from './over-smtp.ts';

export interface AttemptOptions {
  readonly blobs: Pick<Blobstore, 'get'>;
  readonly budget: BodyBudget;
  readonly leases: Leases;
  readonly lmtp: LmtpSender;
  readonly smtp: SmtpSender;
  readonly agents: AgentSender;
  readonly signer: Pick<Signer, 'front'>;
  readonly returnPaths: Pick<ReturnPaths, 'of'>;
  readonly closing: Closing;
  readonly events: Events;
  readonly route: (destination: string) => Promise<Route>;
}

/** What the runner learns from an attempt: `trouble` is of the host or the way, not of this message. */
export type AttemptResult = 'well' | 'trouble';

interface Heard {
  readonly verdicts: readonly Verdict[];
  readonly peer: Peer | undefined;
  readonly trouble: boolean;
  /** The way led to mda, or ended before it began through trouble of our own. */
  readonly local: boolean;
}

/**
 * One message, some recipients, one destination, once: the route, the conversation, a verdict for
 * each, and the spool closed accordingly. Rejects only when the spool itself cannot be reached; the
 * leases then run out and somebody tries again.
 */
export async function attempt(claims: readonly Claimed[], options: AttemptOptions): Promise<AttemptResult> {
  const startedAt = performance.now();
  const heard = await deliver(claims, options);
  await options.closing.close(claims, heard, performance.now() - startedAt);
  return heard.trouble ? 'trouble' : 'well';
}

async function deliver(claims: readonly Claimed[], options: AttemptOptions): Promise<Heard> {
  const { events } = options;
  const destination = claims[0]?.destination ?? '';
  const local = destination.startsWith('local/');
  let route: Route;
  try {
    route = await options.route(destination);
  } catch (error) {
    events.trouble('routing', error);
    return ownTrouble(claims, '4.3.0', 'The route could not be found out');
  }
  if (!local) events.attemptStarts(claims, describeRoute(route));
  if (route.kind === 'failed') return ownVerdict(claims, 'failed', route.enhanced, route.text, false);
  // RFC 3463 §3.5: directory server failure.
  if (route.kind === 'try-later')
    return route.own === true
      ? ownTrouble(claims, '4.4.3', route.cause)
      : ownVerdict(claims, 'retry', '4.4.3', route.cause, local);
  const { blobKey, size } = claims[0] as Claimed;
  let body = claims.find((claim) => claim.body !== null)?.body ?? undefined;
  const borrowed = body === undefined;
  if (borrowed) await options.budget.take(size);
  try {
    if (body === undefined) {
      if (blobKey === null) throw new Error('the spool row has neither body nor blob key');
      body = await options.blobs.get(blobKey);
    }
    const inside = envelope(claims, body);
    const t = goesOut(route) ? await outward(inside, claims, options) : inside;
    if (t === undefined) return ownTrouble(claims, '4.4.3', 'auth gives no answer');
    const said = await converse(t, route, claims, options);
    return {
      verdicts: said.outcomes.map(verdictOf),
      peer: said.peer,
      trouble: said.outcomes.every(isHostTrouble),
      local: route.kind === 'mda',
    };
  } catch (error) {
    events.trouble('attempt', error);
    return ownTrouble(claims, '4.3.0', 'The message could not be read or signed');
  } finally {
    if (borrowed) options.budget.give(size);
  }
}

/** Beyond our own agents and the stores that our domains are routed to. */
function goesOut({ kind }: Route): boolean {
  return kind === 'hosts' || kind === 'relay';
}

/**
 * What only strangers see: our signatures, and the return path of what an alias sends on. Undefined when auth gives no answer.
 * @throws when the keys cannot be read: unsigned mail of a domain that signs might be refused for good
 */
async function outward(
  t: Transaction,
  claims: readonly Claimed[],
  { signer, returnPaths, events }: AttemptOptions,
): Promise<Transaction | undefined> {
  const first = claims[0] as Claimed;
  const path = await returnPaths.of(claims);
  if (path.kind === 'try-later') return undefined;
  if (path.sender !== t.from) events.passedOn(first, path.sender);
  const front = await signer.front(first, t.body);
  return { ...t, from: path.sender, ...(front === undefined ? {} : { front }) };
}

function converse(
  t: Transaction,
  route: Exclude<Route, { kind: 'failed' | 'try-later' }>,
  claims: readonly Claimed[],
  options: AttemptOptions,
): Promise<Conversation> {
  if (route.kind === 'mda') return options.lmtp.toMda(t);
  if (route.kind === 'lmtp') return options.lmtp.toForeign(t, route.place);
  // At a stranger's host a second copy would stay: nobody sends the dot who may have lost the lease.
  const fenced = { ...t, beforeDot: () => options.leases.stillHeld(claims) };
  if (route.kind === 'hosts') return options.smtp.overHosts(fenced, route.hosts);
  return route.relay.kind === 'agent'
    ? options.agents.hand(fenced, route.relay)
    : options.smtp.overRelay(fenced, route.relay);
}

/** Tells nothing of the host, which is not left alone for it, and passes in seconds. */
function ownTrouble(claims: readonly Claimed[], enhanced: string, text: string): Heard {
  return { ...ownVerdict(claims, 'retry', enhanced, text, true), trouble: false };
}

function ownVerdict(
  claims: readonly Claimed[],
  kind: 'retry' | 'failed',
  enhanced: string,
  text: string,
  local: boolean,
): Heard {
  const verdict: Verdict = {
    kind,
    reply: reply(kind === 'retry' ? 451 : 550, enhanced, text),
    said: false,
    phase: 'connect',
    unknown: false,
  };
  return { verdicts: claims.map(() => verdict), peer: undefined, trouble: kind === 'retry', local };
}
