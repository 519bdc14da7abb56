import { ImapConnection } from './imap-connection.ts';
import type { ImapAction, ImapJob, Running, Tally } from './job.ts';
import { messageSet, randomFrom, whole } from './message-set.ts';

/**
 * IMAP readers: one action over and over, shared out among as many sessions as there are logins. They are logged in,
 * and have selected, before the clock starts; answers are counted, not only awaited.
 */
export function imapJob(job: ImapJob): Running {
  if (job.action.kind === 'login') return logins(job);
  if (job.action.kind === 'idle-news') return idleNews(job, job.action);
  const { action } = job;
  const sessions: ImapConnection[] = [];
  return {
    async prepare() {
      const opened = job.logins.map(({ user, password }, index) =>
        ImapConnection.login(job.door, index, user, password),
      );
      for (const result of await Promise.allSettled(opened)) {
        if (result.status === 'rejected') throw result.reason as Error;
        sessions.push(result.value);
      }
      if (action.kind === 'select' || action.kind === 'append') return;
      await Promise.all(sessions.map((session) => session.command(`SELECT ${action.mailbox}`)));
      if (sessions.some((session) => session.exists === 0)) throw new Error('an empty mailbox');
    },
    async run(tally) {
      const step = stepOf(action);
      const before = sessions.reduce((sum, session) => sum + session.octets, 0);
      let given = 0;
      const work = async (session: ImapConnection, index: number): Promise<void> => {
        while (given < job.count) {
          const number = given++;
          await timed(tally, () => step(session, number, index));
        }
      };
      await Promise.all(sessions.map(work));
      tally.octets = sessions.reduce((sum, session) => sum + session.octets, -before);
    },
    async close() {
      await Promise.all(sessions.map((session) => session.logout()));
    },
  };
}

async function timed(tally: Tally, step: () => Promise<void>): Promise<void> {
  const began = performance.now();
  try {
    await step();
    tally.ok(performance.now() - began);
  } catch (error) {
    tally.fault((error as Error).message);
  }
}

type Step = (session: ImapConnection, number: number, index: number) => Promise<void>;

function stepOf(action: Exclude<ImapAction, { kind: 'login' | 'idle-news' }>): Step {
  const random = randomFrom(17);
  switch (action.kind) {
    case 'select':
      return async (session) => {
        await session.command(`SELECT ${action.mailbox}`);
        await session.command('UNSELECT');
      };
    case 'fetch-all':
      return (session) => counted(session, session.exists, `FETCH 1:* ${action.items}`);
    case 'fetch-body':
      return (session) =>
        counted(session, 1, `FETCH ${1 + Math.floor(random() * session.exists)} BODY.PEEK[]`);
    case 'store':
      return (session, number) => {
        const sign = random() < 0.5 ? '+' : '-';
        const which = 1 + Math.floor(random() * session.exists);
        return session.command(
          `STORE ${which} ${sign}FLAGS.SILENT (${number % 2 ? '\\Flagged' : '\\Answered'})`,
        );
      };
    case 'search': {
      let expected = action.hits;
      return async (session) => {
        session.hits = -1;
        await session.command(`SEARCH ${action.query}`);
        expected ??= session.hits;
        if (session.hits !== expected) throw new Error(`SEARCH found ${session.hits}, not ${expected}`);
      };
    }
    case 'append': {
      const templates = messageSet(100, action.octets);
      return (session, number) => {
        const template = templates[number % templates.length];
        if (template === undefined) throw new Error('no messages to append');
        return session.append(action.mailbox, whole(template, `${number}.${action.run}@append.test`));
      };
    }
  }
}

async function counted(session: ImapConnection, expected: number, command: string): Promise<void> {
  const before = session.fetches;
  await session.command(command);
  const answers = session.fetches - before;
  if (answers !== expected) throw new Error(`FETCH answered ${answers} messages, not ${expected}`);
}

/** Connect, log in, log out. */
function logins(job: ImapJob): Running {
  return {
    prepare: () => Promise.resolve(),
    async run(tally) {
      let given = 0;
      const work = async (): Promise<void> => {
        while (given < job.count) {
          const number = given++;
          const login = job.logins[number % job.logins.length];
          if (login === undefined) return;
          await timed(tally, async () => {
            const session = await ImapConnection.login(job.door, number, login.user, login.password);
            await session.logout();
          });
        }
      };
      await Promise.all(Array.from({ length: Math.min(10, job.count) }, work));
    },
    close: () => Promise.resolve(),
  };
}

/** One account, two sessions: what one appends, the other is told while it idles. */
function idleNews(job: ImapJob, action: ImapAction & { kind: 'idle-news' }): Running {
  let reader: ImapConnection | undefined;
  let writer: ImapConnection | undefined;
  return {
    async prepare() {
      const [login] = job.logins;
      if (login === undefined) throw new Error('no login to idle with');
      reader = await ImapConnection.login(job.door, 0, login.user, login.password);
      writer = await ImapConnection.login(job.door, 1, login.user, login.password);
      await reader.command(`SELECT ${action.mailbox}`);
      await reader.idle();
    },
    async run(tally) {
      const [template] = messageSet(1, 1000);
      const listening = reader;
      if (listening === undefined || writer === undefined || template === undefined) return;
      for (let number = 0; number < job.count; number++) {
        const message = whole(template, `${number}.${action.run}@news.test`);
        const expected = listening.exists + 1;
        const told = new Promise<void>((resolve) => {
          listening.onExists = () => {
            if (listening.exists >= expected) resolve();
          };
        });
        const sending = writer;
        await timed(tally, async () => {
          await sending.append(action.mailbox, message);
          await told;
        });
      }
    },
    async close() {
      reader?.destroy();
      await writer?.logout();
    },
  };
}
