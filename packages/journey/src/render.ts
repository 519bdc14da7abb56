import type { JourneyRecipient, JourneyStep, JourneyView } from './view.ts';

/** A journey as plain text: one line per step, agents by their textbook names, times in UTC. */

const AGENT_WIDTH = 4;

/** Draws one journey. No colour; control characters of others are shown, not sent to the terminal. */
export function renderJourney(view: JourneyView): string {
  const lines = [headline(view)];
  const names = [view.messageId, ...view.ids.map((id) => `id ${id}`)].filter((name) => name !== undefined);
  lines.push(`  ${clean(names.join('   '))}`);
  if (view.parent !== undefined) lines.push(`  made from or reports on ${view.parent}`);
  lines.push('');
  const width = Math.max(0, ...view.steps.map((step) => step.machine?.length ?? 0));
  let before: JourneyStep | undefined;
  for (const step of view.steps) {
    lines.push(stepLine(step, before, width));
    before = step;
  }
  if (view.steps.length === 0) lines.push('  (no events; what follows is what the spool knows)');
  lines.push('');
  for (const recipient of view.recipients) lines.push(recipientLine(recipient));
  for (const report of view.reports) lines.push(`  reported to the sender: ${report}`);
  for (const { machine, cause } of view.unreachable ?? [])
    lines.push(clean(`  (${machine} could not be asked: ${cause}; what it knows is missing)`));
  if (!view.spoolSeen) lines.push('  (the spool could not be read: states are concluded from events)');
  return `${lines.join('\n').trimEnd()}\n`;
}

function headline(view: JourneyView): string {
  const from = view.sender === undefined || view.sender === '' ? '<>' : view.sender;
  const to = view.recipients.slice(0, 3).map((recipient) => recipient.address);
  const more = view.recipients.length - to.length;
  const rest = more > 0 ? ` and ${more} more` : '';
  return clean(`${from} -> ${to.join(', ') || '?'}${rest}   ${outcome(view)}`);
}

function outcome(view: JourneyView): string {
  const states = new Set(view.recipients.map((recipient) => recipient.state));
  const took = duration(view);
  if (states.size === 0) return 'nothing known of its recipients';
  if ([...states].every((state) => state === 'delivered'))
    return `DELIVERED${took === undefined ? '' : ` in ${seconds(took)}`}`;
  const counts = [...states].map((state) => {
    const count = view.recipients.filter((recipient) => recipient.state === state).length;
    return view.recipients.length === 1 ? state.toUpperCase() : `${count} ${state}`;
  });
  return counts.join(', ');
}

/** From the first step to the last one of delivery: reading is not part of it. */
function duration(view: JourneyView): number | undefined {
  const last = view.steps.findLast((step) => step.kind !== 'mra.fetch');
  const first = view.steps[0];
  return first === undefined || last === undefined ? undefined : last.at.getTime() - first.at.getTime();
}

function stepLine(step: JourneyStep, before: JourneyStep | undefined, machineWidth: number): string {
  const wait = before === undefined ? 0 : step.at.getTime() - before.at.getTime();
  const day = before?.at.toISOString().slice(0, 10) ?? step.at.toISOString().slice(0, 10);
  const date = step.at.toISOString().slice(0, 10);
  const parts = [
    `  ${mark(step)}${machineWidth === 0 ? '' : ` ${(step.machine ?? '').padEnd(machineWidth)}`} ${step.agent.toUpperCase().padEnd(AGENT_WIDTH)}`,
    `${date === day ? '' : `${date} `}${step.at.toISOString().slice(11, 23)}`,
    (wait > 0 ? `+${seconds(wait)}` : '').padEnd(9),
    step.instance.padEnd(6),
    step.kind.padEnd(13),
    told(step),
  ];
  const extras = [
    step.recipient === undefined || step.summary.includes(step.recipient) ? '' : `for ${step.recipient}`,
    peer(step),
    step.tls ?? '',
    step.tookMs === undefined ? '' : `took ${seconds(step.tookMs)}`,
    step.nextId === undefined || step.summary.includes(step.nextId) ? '' : `next id ${step.nextId}`,
  ].filter((part) => part !== '');
  return clean(`${parts.join('  ')}${extras.length === 0 ? '' : `   [${extras.join(', ')}]`}`.trimEnd());
}

/** What happened; of a verdict first the checks that led to it. */
function told(step: JourneyStep): string {
  const outcome = [sayCode(step), step.summary].filter((part) => part !== '').join(' ');
  const line = step.data?.['line'];
  return step.kind === 'verdict.made' && typeof line === 'string' ? `${line}  -> ${outcome}` : outcome;
}

const MARKS = { ok: 'o', info: '|', temporary: '~', permanent: 'x' } as const;

function mark(step: JourneyStep): string {
  return MARKS[step.status] ?? '|';
}

/** The reply's code, unless the summary is the reply and begins with it. */
function sayCode(step: JourneyStep): string {
  if (step.code === undefined || step.summary.startsWith(String(step.code))) return '';
  return step.enhanced === undefined || step.summary.startsWith(step.enhanced)
    ? String(step.code)
    : `${step.code} ${step.enhanced}`;
}

function peer(step: JourneyStep): string {
  if (step.peerHost === undefined) return step.peerAddress ?? '';
  return step.peerAddress === undefined ? step.peerHost : `${step.peerHost} (${step.peerAddress})`;
}

function recipientLine(recipient: JourneyRecipient): string {
  const attempts =
    recipient.attempts === 0
      ? ''
      : ` after ${recipient.attempts} attempt${recipient.attempts === 1 ? '' : 's'}`;
  const reply = [recipient.code, recipient.text]
    .filter((part) => part !== undefined && part !== '')
    .join(' ');
  const next = recipient.nextTry === undefined ? '' : `, next try ${recipient.nextTry.toISOString()}`;
  return clean(
    `  ${recipient.address}: ${recipient.state}${attempts}${next}${reply === '' ? '' : `: ${reply}`}`,
  );
}

function seconds(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 1000 ? 3 : 2)} s`;
  const minutes = Math.floor(ms / 60_000);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** One line, and nothing that a terminal would obey: C0, DEL and C1 become U+FFFD. */
function clean(text: string): string {
  let out = '';
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 0x20 && (c < 0x7f || c > 0x9f)) continue;
    out += `${text.slice(from, i)}\uFFFD`;
    from = i + 1;
  }
  return from === 0 ? text : out + text.slice(from);
}
