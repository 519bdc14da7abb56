/** LOGIN: RFC 3501 §6.2.3; and how any mechanism's name and password become a session. */
import { capabilities } from '../capabilities.ts';
import type { CommandOf, Completion } from '../commands.ts';
import { Bye, No } from '../replies.ts';
import type { Session } from '../session.ts';

const MOST_FAILURES = 3;

export function login(session: Session, command: CommandOf<'LOGIN'>): Promise<Completion> {
  requireTls(session);
  return logIn(session, command.username, command.password);
}

/** RFC 3501 §6.2.3 LOGINDISABLED, RFC 5530 §3 PRIVACYREQUIRED: no password in clear, not even a wrong one. */
export function requireTls(session: Session): void {
  if (!session.connection.secure) throw new No('Start TLS first', 'PRIVACYREQUIRED');
}

/** Asks auth and enters the account. Every refusal says the same; each takes longer than the one before. */
export async function logIn(session: Session, username: string, password: string): Promise<Completion> {
  const { auth, store, events, places, timing } = session.around;
  const client = session.connection.remoteAddress;
  const answer = await auth.authenticate({ username, password, client, protocol: 'imap' });
  if (answer.status === 'try-later') {
    events.loginFailed(session.facts, username, 'try-later');
    throw new No('Logging in is not possible now, try again', 'UNAVAILABLE');
  }
  if (answer.status === 'denied') return refuse(session, username, timing.failureMs);
  const { accountId, quotaBytes, quotaMessages } = answer.account;
  const givePlace = places.take(accountId, client);
  if (givePlace === undefined) {
    events.loginFailed(session.facts, username, 'limit');
    throw new No('Too many sessions of this account from your address', 'LIMIT');
  }
  const account = { accountId, quotaBytes, quotaMessages };
  try {
    await store.openAccount(account);
  } catch (error) {
    givePlace();
    throw error;
  }
  if (session.ended) {
    givePlace();
    return {};
  }
  session.enter(account, answer.account.address, givePlace);
  events.loggedIn(session.facts);
  return { code: `CAPABILITY ${capabilities(session).join(' ')}`, text: 'Logged in' };
}

async function refuse(session: Session, username: string, firstPause: number): Promise<never> {
  session.failedLogins += 1;
  session.around.events.loginFailed(session.facts, username, 'denied');
  await session.pause(firstPause * 2 ** (session.failedLogins - 1));
  const denied = new No('Authentication failed', 'AUTHENTICATIONFAILED');
  if (session.failedLogins < MOST_FAILURES) throw denied;
  throw new Bye('Too many failed logins', undefined, denied);
}
