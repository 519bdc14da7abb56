import fs from 'node:fs';
import { isIP, SocketAddress } from 'node:net';
import path from 'node:path';
import { auditAt } from '../ledger/audit.ts';
import { readLedger } from '../ledger/ledger-file.ts';
import { ENOUGH, type Share } from './shares.ts';
import { SENDERS, say, type Trial } from './trial.ts';
import { progressOf, troublesOf } from './trial-clients.ts';
import { judge, type StepVerdict } from './verdict.ts';

/** The end of a trial: what the ledger, the mailboxes and the clients say, as a table and as JSON. */
export interface Outcome {
  readonly acknowledged: number;
  readonly tries: number;
  readonly emptySeconds: number;
  readonly found: number;
  readonly missing: readonly string[];
  readonly doubled: readonly string[];
  readonly misplaced: readonly string[];
  /** Messages whose trace does not show the address of the client that sent them. */
  readonly wrongAddress: readonly string[];
  readonly unanswered: number;
  readonly unansweredFound: number;
}

/** Stops the clients, waits for an empty spool and audits every mailbox. */
export async function settle(trial: Trial): Promise<Outcome> {
  say('the clients finish');
  await trial.stopClients();
  const emptySeconds = await trial.empty(300);
  say(`the spool is empty after ${emptySeconds.toFixed(1)} s; the audit reads every mailbox`);
  const acknowledged = new Set<string>();
  const tries = new Map<string, string>();
  for (const name of SENDERS) {
    const file = path.join(trial.folder, name);
    const ledger = readLedger(`${file}.ledger`, `${file}.tries`);
    for (const id of ledger.acknowledged) acknowledged.add(id);
    for (const [id, rcpt] of ledger.tries) tries.set(id, rcpt);
  }
  const wrongAddress: string[] = [];
  const audit = await auditAt({ acknowledged, tries }, trial.users, [trial.imaps], (id, header) => {
    const sender = SENDERS.find((name) => id.includes(`@${name}.`));
    const address = sender === undefined ? undefined : trial.addresses.get(sender);
    if (address !== undefined && !showsClient(header, address)) wrongAddress.push(id);
  });
  return {
    acknowledged: acknowledged.size,
    tries: tries.size,
    emptySeconds,
    found: audit.found,
    missing: audit.missing,
    doubled: audit.doubled,
    misplaced: audit.misplaced,
    wrongAddress,
    unanswered: audit.unanswered,
    unansweredFound: audit.unansweredFound,
  };
}

/** Whether the one Received field names this client: the ledger client itself puts none. */
export function showsClient(header: string, address: string): boolean {
  const received = header
    .split(/\r\n(?![ \t])/)
    .filter((field) => field.toLowerCase().startsWith('received:'));
  const shown = /\(\[(?:IPv6:)?([0-9a-f:.]+)\]\)/i.exec((received[0] ?? '').replace(/\r\n[ \t]/g, ' '))?.[1];
  const family = isIP(shown ?? '') === 6 ? 'ipv6' : 'ipv4';
  return (
    received.length === 1 &&
    isIP(shown ?? '') !== 0 &&
    new SocketAddress({ address: shown ?? '', family }).address === address
  );
}

export function isExact(outcome: Outcome): boolean {
  return (
    outcome.acknowledged > 0 &&
    [outcome.missing, outcome.doubled, outcome.misplaced, outcome.wrongAddress].every(
      (ids) => ids.length === 0,
    )
  );
}

export function verdicts(trial: Trial): StepVerdict[] {
  return judge(
    trial.steps,
    [...SENDERS, 'read'].flatMap((name) => troublesOf(trial.folder, name)),
  );
}

/** Prints the tables and writes `report.json` into the trial's folder. */
export function report(
  trial: Trial,
  outcome: Outcome,
  shares: ReadonlyMap<string, readonly Share[]>,
  /** What troubles other than goodbyes are called: in a trial of trouble they are noticed, not forbidden. */
  word: 'NOT ALLOWED' | 'noticed' = 'NOT ALLOWED',
): void {
  const all = verdicts(trial);
  console.log(
    `\nstep                              seconds  acknowledged  idle  goodbyes  ${word.toLowerCase().padStart(11)}  longest wait  shares of new replicas`,
  );
  for (const [index, verdict] of all.entries()) {
    const step = trial.steps[index];
    if (step === undefined) continue;
    const during = SENDERS.map((name) =>
      progressOf(trial.folder, name).filter(({ at }) => at >= step.from && at <= step.to),
    );
    const sent = during.reduce(
      (sum, its) => sum + (its.at(-1)?.['acknowledged'] ?? 0) - (its[0]?.['acknowledged'] ?? 0),
      0,
    );
    const longest = Math.max(0, ...during.flat().map((one) => one['longestMs'] ?? 0));
    const idling = progressOf(trial.folder, 'read').findLast(({ at }) => at <= step.to)?.['idling'] ?? 0;
    const its = (shares.get(step.name) ?? []).map((share) => `${(share.ofFairShare * 100).toFixed(0)}%`);
    console.log(
      [
        verdict.step.padEnd(32),
        verdict.seconds.toFixed(1).padStart(8),
        String(sent).padStart(13),
        String(idling).padStart(5),
        String(sum(verdict.allowed)).padStart(9),
        String(sum(verdict.forbidden)).padStart(12),
        `${(longest / 1000).toFixed(1)} s`.padStart(13),
        its.join(' ') || '–',
      ].join(' '),
    );
  }
  for (const verdict of all) {
    for (const [what, times] of verdict.forbidden)
      console.log(`${word.padEnd(12)} ${verdict.step}: ${times} × ${what}`);
    for (const [what, times] of verdict.allowed)
      console.log(`goodbye      ${verdict.step}: ${times} × ${what}`);
  }
  for (const [step, its] of shares)
    for (const share of its)
      console.log(
        `share        ${step}: ${share.agent} at ${share.address} did ${share.own} of ${share.total} among ${share.replicas.toFixed(1)}: ` +
          `${(share.ofFairShare * 100).toFixed(0)}% of its fair share${share.ofFairShare < ENOUGH ? ' – TOO LITTLE' : ''}`,
      );
  console.log(
    `\nledger: ${outcome.acknowledged} acknowledged of ${outcome.tries} tries, ${outcome.found} found; missing ${outcome.missing.length}, ` +
      `doubled ${outcome.doubled.length}, misplaced ${outcome.misplaced.length}, client's address not shown ${outcome.wrongAddress.length}; ` +
      `of ${outcome.unanswered} tries without a 250, ${outcome.unansweredFound} arrived`,
  );
  for (const what of ['missing', 'doubled', 'misplaced', 'wrongAddress'] as const)
    for (const id of outcome[what].slice(0, 5)) console.log(`  ${what} ${id}`);
  const { visits, heard } = trial.counts();
  console.log(
    `readers: ${visits} sessions came and went, ${heard} new messages were announced to those that idle`,
  );
  const file = path.join(trial.folder, 'report.json');
  fs.writeFileSync(
    file,
    JSON.stringify(
      {
        options: { ...trial.options },
        outcome,
        steps: all.map((one) => ({
          ...one,
          allowed: Object.fromEntries(one.allowed),
          forbidden: Object.fromEntries(one.forbidden),
          shares: shares.get(one.step) ?? [],
        })),
      },
      null,
      2,
    ),
  );
  console.log(`report: ${file}`);
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, one) => total + one, 0);
}
