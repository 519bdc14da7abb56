import fs from 'node:fs';
import path from 'node:path';
import { askedToStop, ClientFile, pause } from './client-file.ts';
import { type ImapDoor, ImapSession } from './imap-session.ts';

/**
 * The readers of a container: sessions that IDLE for the whole time, each with its mailbox, and a
 * stream of new ones (login, SELECT, a small FETCH, LOGOUT), until it is told to stop (SIGTERM).
 *
 *     node test/compose/client/read.ts FOLDER/NAME.json
 */
export interface ReadPlan {
  readonly name: string;
  readonly door: ImapDoor;
  readonly users: readonly { readonly address: string; readonly password: string }[];
  readonly idle: number;
  /** New sessions per second. */
  readonly rate: number;
}

/** How long one IDLE lasts before DONE and the next, ms: as clients do, but sooner. */
const IDLE_MS = 60_000;

const file = process.argv[2] ?? '';
const plan = JSON.parse(fs.readFileSync(file, 'utf8')) as ReadPlan;
const stop = askedToStop();
const log = new ClientFile(path.dirname(file), plan.name);
let idling = 0;
let heard = 0;
let visits = 0;
let visiting = 0;
let longestMs = 0;

const ticker = setInterval(() => {
  log.progress({ idling, heard, visits, visiting, longestMs });
  longestMs = 0;
}, 1000);
await Promise.all([...Array.from({ length: plan.idle }, (_, index) => idleLoop(index)), visitLoop()]);
clearInterval(ticker);
log.progress({ idling, heard, visits, visiting, longestMs });

async function idleLoop(index: number): Promise<void> {
  // They arrive over some seconds: two hundred logins at once are another trial.
  await pause(index * 40, stop);
  let failures = 0;
  for (let life = 1; !stop.aborted; life++) {
    let counted = false;
    const leave = { session: undefined as ImapSession | undefined };
    const onStop = (): void => leave.session?.close();
    stop.addEventListener('abort', onStop);
    try {
      const session = await begin(index);
      leave.session = session;
      idling++;
      counted = true;
      failures = 0;
      while (!stop.aborted) {
        await session.idle(IDLE_MS + (index % 20) * 1000, (line) => {
          if (line.endsWith(' EXISTS')) heard++;
        });
      }
      session.close();
    } catch (error) {
      if (!stop.aborted) {
        log.trouble(error, `idle#${index}.${life}`, idling + visiting);
        await pause(Math.min(100 * 2 ** failures++, 2000) + Math.random() * 300, stop);
      }
    } finally {
      if (counted) idling--;
      stop.removeEventListener('abort', onStop);
    }
  }
}

async function visitLoop(): Promise<void> {
  const underWay = new Set<Promise<void>>();
  for (let number = 0; !stop.aborted; number++) {
    const visit = visitOnce(number).finally(() => underWay.delete(visit));
    underWay.add(visit);
    await pause(1000 / plan.rate, stop);
  }
  await Promise.all(underWay);
}

async function visitOnce(number: number): Promise<void> {
  visiting++;
  const began = Date.now();
  try {
    const session = await begin(number);
    await session.ok('FETCH * (UID FLAGS RFC822.SIZE)').catch((error: unknown) => {
      // An empty mailbox has no last message.
      if (!String(error).includes('BAD')) throw error;
    });
    await session.ok('LOGOUT');
    session.close();
    visits++;
    longestMs = Math.max(longestMs, Date.now() - began);
  } catch (error) {
    log.trouble(error, `visit#${number}`, idling + visiting);
  } finally {
    visiting--;
  }
}

async function begin(index: number): Promise<ImapSession> {
  const user = plan.users[index % plan.users.length] as ReadPlan['users'][number];
  const session = await ImapSession.open(plan.door);
  await session.ok(`LOGIN ${user.address} ${user.password}`);
  await session.ok('SELECT INBOX');
  return session;
}
