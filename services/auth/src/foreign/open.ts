import type { SaslMechanism } from '@waybill/auth-client';
import type { Log, Metrics } from '@waybill/daemon';
import type { Static, TObject } from 'typebox';
import type { Conversation } from './conversation.ts';
import type { DirectoryQuestions } from './directory-questions.ts';
import { openForeignDoor } from './door.ts';
import { DovecotConversation, type SaslEngine } from './dovecot.ts';
import { type ForeignDoor, openForeignEvents } from './events.ts';
import { foreignNetworks } from './networks.ts';
import { readPlaces } from './place.ts';
import type { PolicyParts } from './policy.ts';
import { PolicyConversation } from './policy-delegation.ts';
import type { ForeignSettings } from './settings.ts';
import { SocketmapConversation } from './socketmap.ts';

/**
 * The doors for agents that are not ours: a stock Postfix, Exim or Dovecot asks here what our own ask over HTTP,
 * in the protocols that it knows. None exists unless its setting names a place.
 */
export interface ForeignParts {
  readonly config: Static<TObject<typeof ForeignSettings>>;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly directory: DirectoryQuestions;
  readonly sasl: SaslEngine;
  readonly mechanisms: readonly SaslMechanism[];
  readonly spend: PolicyParts['spend'];
  readonly bannedFor: PolicyParts['bannedFor'];
}

/** @throws Error for a setting that cannot be read, and what listen() reports */
export async function openForeignDoors(parts: ForeignParts): Promise<AsyncDisposable> {
  const { config, log, metrics, directory, sasl, mechanisms, spend } = parts;
  const networks = foreignNetworks(config.WAYBILL_FOREIGN_NETWORKS);
  const policy: PolicyParts = { directory, spend, bannedFor: parts.bannedFor };
  const doors: readonly [ForeignDoor, keyof typeof ForeignSettings, (client: string) => Conversation][] = [
    ['sasl', 'WAYBILL_FOREIGN_SASL', (client) => new DovecotConversation(sasl, client, mechanisms)],
    ['socketmap', 'WAYBILL_FOREIGN_SOCKETMAP', () => new SocketmapConversation(directory)],
    ['policy', 'WAYBILL_FOREIGN_POLICY', () => new PolicyConversation(policy)],
  ];
  const places = doors.map(([, setting]) => readPlaces(setting, config[setting]));
  const events = openForeignEvents(log, metrics);
  await using stack = new AsyncDisposableStack();
  for (const [i, [door, , converse]] of doors.entries()) {
    if (places[i]!.length === 0) continue;
    const open = await openForeignDoor({
      door,
      places: places[i]!,
      networks,
      socketMode: config.WAYBILL_FOREIGN_SOCKET_MODE,
      events,
      converse,
    });
    stack.use(open);
    metrics.door(`foreign-${door}`, open);
  }
  return stack.move();
}
