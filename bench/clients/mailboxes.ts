import { ImapConnection } from './imap-connection.ts';
import type { CountJob, FillJob, IdleJob, Running, Tally } from './job.ts';
import { messageSet, RARE_EVERY, whole } from './message-set.ts';

/** Jobs around mailboxes that are not measured by the clock: filling them, counting them, holding them open. */

/** How many connections do it at a time. */
const AT_A_TIME = 8;

async function shareOut(count: number, step: (index: number) => Promise<void>): Promise<void> {
  let given = 0;
  const work = async (): Promise<void> => {
    while (given < count) await step(given++);
  };
  await Promise.all(Array.from({ length: Math.min(AT_A_TIME, count) }, work));
}

/** `done` is the number of messages in all these mailboxes together. */
export function countJob(job: CountJob): Running {
  return {
    prepare: () => Promise.resolve(),
    async run(tally: Tally) {
      await shareOut(job.logins.length, async (index) => {
        const login = job.logins[index];
        if (login === undefined) return;
        const session = await ImapConnection.login(job.door, index, login.user, login.password);
        await session.command(`STATUS ${job.mailbox} (MESSAGES)`);
        const open = session.status.lastIndexOf('(MESSAGES ');
        const messages = Number.parseInt(session.status.slice(open + '(MESSAGES '.length), 10);
        if (open < 0 || Number.isNaN(messages)) tally.fault(`not a STATUS answer: ${session.status}`);
        else tally.done += messages;
        await session.logout();
      });
    },
    close: () => Promise.resolve(),
  };
}

/** From a third to five thirds of `octets`: mailboxes do not hold messages of one size. */
const SIZES = [1 / 3, 2 / 3, 1, 4 / 3, 5 / 3];
/** Messages of each size that differ. */
const SET = 200;

/** In how many of the first `count` messages that fillJob files the rare word stands. */
export function rareAmong(count: number): number {
  let rare = 0;
  for (let index = 0; index < count; index++) if ((index % SET) % RARE_EVERY === 0) rare++;
  return rare;
}

/** Fills an empty mailbox up to `count`; every second message is seen already. */
export function fillJob(job: FillJob): Running {
  return {
    prepare: () => Promise.resolve(),
    async run(tally: Tally) {
      const { user, password } = job.login;
      const first = await ImapConnection.login(job.door, 0, user, password);
      if (job.mailbox !== 'INBOX') await first.command(`CREATE ${job.mailbox}`).catch(() => undefined);
      await first.command(`SELECT ${job.mailbox}`);
      const missing = Math.max(0, job.count - first.exists);
      await first.command('UNSELECT');
      const sets = SIZES.map((size) => messageSet(SET, Math.round(job.octets * size)));
      const sessions = [first];
      for (let more = 1; more < Math.min(4, missing / 50); more++)
        sessions.push(await ImapConnection.login(job.door, more, user, password));
      let given = 0;
      const work = async (session: ImapConnection): Promise<void> => {
        while (given < missing) {
          const index = given++;
          const template = sets[index % sets.length]?.[index % SET];
          if (template === undefined) continue;
          const message = whole(template, `${index}.fill@fill.test`);
          await session.append(job.mailbox, message, index % 2 === 0 ? '' : '(\\Seen) ');
          tally.done++;
        }
      };
      await Promise.all(sessions.map(work));
      await Promise.all(sessions.map((session) => session.logout()));
    },
    close: () => Promise.resolve(),
  };
}

/** `done` is the number of sessions that idle; they stay until the job is closed. */
export function idleJob(job: IdleJob): Running {
  const sessions: ImapConnection[] = [];
  return {
    prepare: () => Promise.resolve(),
    async run(tally: Tally) {
      await shareOut(job.count, async (index) => {
        const login = job.logins[index % job.logins.length];
        if (login === undefined) return;
        try {
          const session = await ImapConnection.login(job.door, index, login.user, login.password);
          sessions.push(session);
          await session.command('SELECT INBOX');
          await session.idle();
          tally.done++;
        } catch (error) {
          tally.fault((error as Error).message);
        }
      });
    },
    close() {
      for (const session of sessions) session.destroy();
      return Promise.resolve();
    },
  };
}
