import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Ledger } from '../../ledger/ledger-file.ts';
import { askedToStop, ClientFile, pause } from './client-file.ts';
import { ClientTrouble } from './client-trouble.ts';
import { type SmtpDoor, SmtpSession } from './smtp-session.ts';

/**
 * The ledger client of a container: sends at a steady rate through the edge until it is told to stop
 * (SIGTERM), each connection a few messages, and keeps the ledger: `NAME.ledger` what was
 * acknowledged (on the disk before it counts), `NAME.tries` all that was tried.
 *
 *     node test/compose/client/send.ts FOLDER/NAME.json
 */
export interface SendPlan {
  readonly name: string;
  readonly doors: readonly SmtpDoor[];
  readonly from: string;
  readonly recipients: readonly string[];
  /** Messages per second over all connections. */
  readonly rate: number;
  readonly connections: number;
  /** After this many messages a connection ends and a new one begins. */
  readonly perConnection: number;
  readonly size: number;
}

const file = process.argv[2] ?? '';
const folder = path.dirname(file);
const plan = JSON.parse(fs.readFileSync(file, 'utf8')) as SendPlan;
const stop = askedToStop();
const log = new ClientFile(folder, plan.name);
const ledger = new Ledger(path.join(folder, `${plan.name}.ledger`), path.join(folder, `${plan.name}.tries`));
const filler =
  'Every acknowledged message is in its mailbox exactly once, whatever comes and goes.\r\n'.repeat(
    Math.max(1, Math.round(plan.size / 85)),
  );
let inFlight = 0;
let begun = 0;
let sessions = 0;
let longestMs = 0;
/** When the next message is due; a stall is caught up with by two seconds' worth at most. */
let due = Date.now();

const ticker = setInterval(() => {
  log.progress({ acknowledged: ledger.acknowledged.size, tries: begun, sessions, inFlight, longestMs });
  longestMs = 0;
}, 1000);
await Promise.all(Array.from({ length: plan.connections }, (_, index) => connectionLoop(index)));
clearInterval(ticker);
log.progress({ acknowledged: ledger.acknowledged.size, tries: begun, sessions, inFlight, longestMs });
ledger.close();

async function connectionLoop(index: number): Promise<void> {
  const door = plan.doors[index % plan.doors.length] as SmtpDoor;
  let failures = 0;
  while (!stop.aborted) {
    const label = `${door.port}#${++sessions}`;
    let session: SmtpSession | undefined;
    try {
      session = await timed(() => SmtpSession.open(door));
      for (let sent = 0; sent < plan.perConnection; sent++) {
        await myTurn();
        if (stop.aborted) break;
        await sendOne(session);
        failures = 0;
      }
      await session.quit();
    } catch (error) {
      log.trouble(error, label, inFlight);
      // A goodbye invites to come again at once; anything else is met with more and more patience.
      const polite = error instanceof ClientTrouble && error.kind === 'goodbye';
      if (!polite) await pause(Math.min(100 * 2 ** failures++, 2000), stop);
    }
  }
}

async function sendOne(session: SmtpSession): Promise<void> {
  const id = `<${randomBytes(10).toString('hex')}@${plan.name}.ledger.example>`;
  const to = plan.recipients[begun++ % plan.recipients.length] ?? '';
  ledger.tried(id, to);
  inFlight++;
  try {
    await timed(() => session.send(plan.from, to, compose(id, to)));
    await ledger.acknowledge(id);
  } finally {
    inFlight--;
  }
}

function compose(id: string, to: string): string {
  return [
    `From: <${plan.from}>`,
    `To: <${to}>`,
    'Subject: ledger',
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: ${id}`,
    '',
    filler,
  ].join('\r\n');
}

async function myTurn(): Promise<void> {
  due = Math.max(due, Date.now() - 2000) + 1000 / plan.rate;
  await pause(due - Date.now(), stop);
}

async function timed<T>(act: () => Promise<T>): Promise<T> {
  const began = Date.now();
  const result = await act();
  longestMs = Math.max(longestMs, Date.now() - began);
  return result;
}
