import type { ImapAction, Job, Login } from './clients/job.ts';
import { RARE_WORD } from './clients/message-set.ts';
import { rareAmong } from './clients/mailboxes.ts';
import type { Mode } from './results.ts';
import { DOMAIN, type DoorName, OUTSIDE, PASSWORD, type Target } from './peers/target.ts';

/** What is measured: a table of rows, each a job for the load client, with how much of it in a quick and a full run. */
export interface Row {
  readonly id: string;
  readonly title: string;
  /** Of what the CPU time is told per piece. */
  readonly unit: 'message' | 'command' | 'login';
  readonly door: DoorName;
  /** The clock of the server's side runs on until these are all done. */
  readonly until?: 'delivered' | 'relayed';
  readonly count: { readonly quick: number; readonly full: number };
  /** `run` differs from run to run. */
  readonly job: (target: Target, count: number, run: string, scale: Scale) => Job;
  /** What this row adds to the mailboxes, for checking that it is there. */
  readonly adds?: 'inbox' | 'kept';
}

/** How large the world is. */
export interface Scale {
  readonly rounds: number;
  readonly readers: number;
  /** Messages in the large mailbox and in the maildrop. */
  readonly large: number;
  readonly maildrop: number;
  /** Sessions held open to see what each of them costs. */
  readonly idle: number;
  readonly restSeconds: number;
}

export const SCALES: Readonly<Record<Mode, Scale>> = {
  tiny: { rounds: 1, readers: 3, large: 60, maildrop: 20, idle: 6, restSeconds: 1 },
  quick: { rounds: 2, readers: 20, large: 1000, maildrop: 200, idle: 100, restSeconds: 3 },
  full: { rounds: 5, readers: 40, large: 10_000, maildrop: 1000, idle: 500, restSeconds: 10 },
};

/** How often a row's step is done in one sample. */
export function countOf(row: Row, mode: Mode): number {
  return mode === 'tiny' ? Math.max(2, Math.round(row.count.quick / 20)) : row.count[mode];
}

/** Where APPEND files to: not what deliveries are counted in. */
export const KEPT = 'Kept';
const AT_A_TIME = 20;

function loginOf(user: string): Login {
  return { user, password: PASSWORD };
}

export function readersOf(target: Target): readonly Login[] {
  return target.accounts.readers.map(loginOf);
}

function doorOf(target: Target, name: DoorName): NonNullable<Target['doors'][DoorName]> {
  const door = target.doors[name];
  if (door === undefined) throw new Error(`${target.name} has no ${name}`);
  return door;
}

function accept(id: string, title: string, count: Row['count'], octets: number, reconnect: boolean): Row {
  return {
    id,
    title,
    unit: 'message',
    door: 'mx',
    until: 'delivered',
    adds: 'inbox',
    count,
    job: (target, messages, run) => ({
      op: 'smtp',
      door: doorOf(target, 'mx'),
      count: messages,
      connections: AT_A_TIME,
      octets,
      from: 'writer@sender.test',
      recipients: target.accounts.readers,
      reconnect,
      run,
    }),
  };
}

/** An action in `sessions` sessions of the large mailbox's owner. */
function inLarge(
  id: string,
  title: string,
  count: Row['count'],
  sessions: number,
  action: (scale: Scale) => ImapAction,
): Row {
  return {
    id,
    title,
    unit: 'command',
    door: 'imap',
    count,
    job: (target, times, _run, scale) => ({
      op: 'imap',
      door: doorOf(target, 'imap'),
      logins: Array.from({ length: sessions }, () => loginOf(target.accounts.large)),
      count: times,
      action: action(scale),
    }),
  };
}

function retr(id: string, title: string, count: Row['count'], ahead: number): Row {
  return {
    id,
    title,
    unit: 'message',
    door: 'pop3',
    count,
    job: (target, messages) => ({
      op: 'pop3',
      door: doorOf(target, 'pop3'),
      login: loginOf(target.accounts.maildrop),
      count: messages,
      ahead,
    }),
  };
}

const mailbox = 'INBOX';

export const ROWS: readonly Row[] = [
  accept('deliver-5k', 'port 25 to mailbox, 5 KB', { quick: 600, full: 5000 }, 5120, false),
  accept(
    'deliver-5k-new',
    'port 25 to mailbox, 5 KB, a connection each',
    { quick: 300, full: 2000 },
    5120,
    true,
  ),
  accept('deliver-50k', 'port 25 to mailbox, 50 KB', { quick: 120, full: 1500 }, 51_200, false),
  {
    id: 'relay-5k',
    title: 'submission (TLS, login) out to the sink, 5 KB',
    unit: 'message',
    door: 'submission',
    until: 'relayed',
    count: { quick: 400, full: 3000 },
    job: (target, messages, run) => ({
      op: 'smtp',
      door: doorOf(target, 'submission'),
      count: messages,
      connections: AT_A_TIME,
      octets: 5120,
      from: target.accounts.readers[0] ?? `u1@${DOMAIN}`,
      recipients: Array.from({ length: 50 }, (_, index) => `stranger${index}@${OUTSIDE}`),
      login: loginOf(target.accounts.readers[0] ?? `u1@${DOMAIN}`),
      run,
    }),
  },
  {
    id: 'login',
    title: 'IMAP: connect (TLS), LOGIN, LOGOUT',
    unit: 'login',
    door: 'imap',
    count: { quick: 60, full: 400 },
    job: (target, times) => ({
      op: 'imap',
      door: doorOf(target, 'imap'),
      logins: readersOf(target),
      count: times,
      action: { kind: 'login' },
    }),
  },
  {
    id: 'login-clear',
    title: 'IMAP: the same, where the peer keeps the password in clear',
    unit: 'login',
    door: 'imap',
    count: { quick: 60, full: 400 },
    job: (target, times) => ({
      op: 'imap',
      door: doorOf(target, 'imap'),
      logins: [loginOf(target.accounts.clear)],
      count: times,
      action: { kind: 'login' },
    }),
  },
  inLarge('select', 'IMAP: SELECT and UNSELECT, large mailbox', { quick: 100, full: 1000 }, 1, () => ({
    kind: 'select',
    mailbox,
  })),
  inLarge('fetch-flags', 'IMAP: FETCH 1:* (UID FLAGS), large mailbox', { quick: 20, full: 60 }, 1, () => ({
    kind: 'fetch-all',
    mailbox,
    items: '(UID FLAGS)',
  })),
  inLarge(
    'fetch-envelopes',
    'IMAP: FETCH 1:* (ENVELOPE BODYSTRUCTURE), large mailbox',
    { quick: 5, full: 15 },
    1,
    () => ({
      kind: 'fetch-all',
      mailbox,
      items: '(ENVELOPE BODYSTRUCTURE)',
    }),
  ),
  inLarge(
    'fetch-body',
    'IMAP: FETCH BODY.PEEK[] of one message, 10 sessions',
    { quick: 1000, full: 10_000 },
    10,
    () => ({
      kind: 'fetch-body',
      mailbox,
    }),
  ),
  {
    id: 'store',
    title: 'IMAP: STORE a flag, 20 sessions, a mailbox each',
    unit: 'command',
    door: 'imap',
    count: { quick: 1000, full: 6000 },
    job: (target, times) => ({
      op: 'imap',
      door: doorOf(target, 'imap'),
      logins: readersOf(target).slice(0, AT_A_TIME),
      count: times,
      action: { kind: 'store', mailbox },
    }),
  },
  inLarge('search-text', 'IMAP: SEARCH BODY, large mailbox', { quick: 3, full: 6 }, 1, (scale) => ({
    kind: 'search',
    mailbox,
    query: `BODY "${RARE_WORD}"`,
    hits: rareAmong(scale.large),
  })),
  inLarge('search-subject', 'IMAP: SEARCH SUBJECT, large mailbox', { quick: 20, full: 40 }, 1, () => ({
    kind: 'search',
    mailbox,
    query: 'SUBJECT "ou"',
  })),
  inLarge('search-unseen', 'IMAP: SEARCH UNSEEN, large mailbox', { quick: 50, full: 200 }, 1, (scale) => ({
    kind: 'search',
    mailbox,
    query: 'UNSEEN',
    hits: Math.ceil(scale.large / 2),
  })),
  {
    id: 'append',
    title: 'IMAP: APPEND, 5 KB, 20 sessions, a mailbox each',
    unit: 'message',
    door: 'imap',
    adds: 'kept',
    count: { quick: 300, full: 3000 },
    job: (target, times, run) => ({
      op: 'imap',
      door: doorOf(target, 'imap'),
      logins: readersOf(target).slice(0, AT_A_TIME),
      count: times,
      action: { kind: 'append', mailbox: KEPT, octets: 5120, run },
    }),
  },
  {
    id: 'idle-news',
    title: 'IMAP: from APPEND to the news in an idle session',
    unit: 'message',
    door: 'imap',
    count: { quick: 4, full: 20 },
    job: (target, times, run) => ({
      op: 'imap',
      door: doorOf(target, 'imap'),
      logins: [loginOf(target.accounts.listener)],
      count: times,
      action: { kind: 'idle-news', mailbox, run },
    }),
  },
  retr('pop3', 'POP3: RETR, one after the other', { quick: 400, full: 3000 }, 1),
  retr('pop3-ahead', 'POP3: RETR, ten ahead', { quick: 1000, full: 10_000 }, 10),
];

/** The rows of these ids, all for none. @throws Error that names the ids there are */
export function rowsOf(ids: readonly string[]): readonly Row[] {
  for (const id of ids)
    if (!ROWS.some((row) => row.id === id))
      throw new Error(`no row "${id}"; there are ${ROWS.map((row) => row.id).join(', ')}`);
  return ids.length === 0 ? ROWS : ROWS.filter((row) => ids.includes(row.id));
}
