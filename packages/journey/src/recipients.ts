import type { JourneyRecipient, JourneyStep, RecipientState } from './view.ts';

/** Where each recipient's copy is: what the spool says, else what the last event about it says. */

/** A row of the spool that still stands. */
export interface SpoolRow {
  readonly journeyId: string;
  readonly address: string;
  readonly state: number;
  readonly attempts: number;
  readonly nextAt: Date;
  readonly code: string | null;
  readonly text: string | null;
  readonly peer: string | null;
}

const SPOOL_STATES: Readonly<Record<number, RecipientState>> = {
  0: 'queued',
  1: 'being tried',
  2: 'delivered',
  3: 'returned',
  5: 'held',
  6: 'discarded',
};

/**
 * One entry per address, as it stands at the last of the journey's ids that names it.
 * @param ids in the order of the journey
 */
export function concludeRecipients(
  ids: readonly string[],
  steps: readonly JourneyStep[],
  rows: readonly SpoolRow[],
): JourneyRecipient[] {
  const handedOn = new Set(
    steps.filter((step) => step.nextId !== undefined && step.kind !== 'dsn.sent').map(nameOf),
  );
  const byAddress = new Map<string, JourneyRecipient>();
  for (const id of ids) {
    for (const recipient of fromEvents(steps.filter((step) => step.journeyId === id)))
      byAddress.set(recipient.address.toLowerCase(), recipient);
    for (const row of rows)
      if (row.journeyId === id) byAddress.set(row.address.toLowerCase(), fromSpool(row));
  }
  const last = ids.at(-1);
  return [...byAddress.values()].map((recipient) =>
    recipient.state === 'delivered' &&
    recipient.journeyId !== last &&
    handedOn.has(`${recipient.journeyId} ${recipient.address.toLowerCase()}`)
      ? { ...recipient, state: 'handed on' }
      : recipient,
  );
}

function nameOf(step: JourneyStep): string {
  return `${step.journeyId} ${step.recipient?.toLowerCase() ?? ''}`;
}

function fromSpool(row: SpoolRow): JourneyRecipient {
  const state = SPOOL_STATES[row.state] ?? 'unknown';
  const waits = row.state === 0 && row.attempts > 0;
  return {
    address: row.address,
    journeyId: row.journeyId,
    state: waits ? 'waiting' : state,
    attempts: row.attempts,
    ...(row.state === 0 ? { nextTry: row.nextAt } : {}),
    ...(row.code === null ? {} : { code: row.code }),
    ...(row.text === null ? {} : { text: row.text }),
    ...(row.peer === null ? {} : { peer: row.peer }),
    from: 'spool',
  };
}

/** Kinds that say what became of a recipient. */
const OUTCOMES = new Set([
  'handed.on',
  'attempt.end',
  'queue.defer',
  'lmtp.end',
  'store.append',
  'dsn.sent',
  'rcpt.reject',
  'mail.reject',
]);

function fromEvents(steps: readonly JourneyStep[]): JourneyRecipient[] {
  const found = new Map<string, JourneyRecipient>();
  for (const step of steps) {
    if (step.recipient === undefined) continue;
    const name = step.recipient.toLowerCase();
    const before = found.get(name);
    const attempts = (before?.attempts ?? 0) + (step.kind === 'attempt.end' ? 1 : 0);
    const state = OUTCOMES.has(step.kind) ? stateAfter(step, before?.state) : (before?.state ?? 'unknown');
    const told = OUTCOMES.has(step.kind);
    found.set(name, {
      address: before?.address ?? step.recipient,
      journeyId: step.journeyId,
      state,
      attempts,
      ...(told && step.code !== undefined
        ? { code: step.enhanced === undefined ? String(step.code) : `${step.code} ${step.enhanced}` }
        : before?.code === undefined
          ? {}
          : { code: before.code }),
      ...(told ? { text: step.summary } : before?.text === undefined ? {} : { text: before.text }),
      ...(step.peerHost !== undefined
        ? { peer: step.peerHost }
        : before?.peer === undefined
          ? {}
          : { peer: before.peer }),
      from: 'events',
    });
  }
  return [...found.values()];
}

function stateAfter(step: JourneyStep, before: RecipientState | undefined): RecipientState {
  // Clocks of two machines differ: what the next one did may stand before.
  if (step.kind === 'handed.on') return before ?? 'handed on';
  if (step.kind === 'dsn.sent') return 'returned';
  if (step.kind === 'rcpt.reject' || step.kind === 'mail.reject') return before ?? 'refused';
  // A copy that is in a mailbox stays there, whatever a repeated attempt hears.
  if (step.status === 'ok' || before === 'delivered') return 'delivered';
  if (step.status === 'permanent') return 'returned';
  return step.status === 'temporary' ? 'waiting' : (before ?? 'unknown');
}
