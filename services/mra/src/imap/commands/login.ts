/** LOGIN: RFC 3501 §6.2.3; and how auth's answer, by whatever mechanism, becomes a session. */
import { type AuthenticateResponse, takesPasswords } from '@waybill/auth-client';
import { capabilities } from '../capabilities.ts';
import type { CommandOf, Completion } from '../commands.ts';
import { Bye, No } from '../replies.ts';
import type { Session } from '../session.ts';

const MOST_FAILURES = 3;

export async function login(
  session: Session,
  { username, password }: CommandOf<'LOGIN'>,
): Promise<Completion> {
  requireTls(session);
  const { auth, mechanisms } = session.around;
  if (!takesPasswords(mechanisms)) throw new No('Passwords are not taken here, use AUTHENTICATE', 'CANNOT');
  const client = session.connection.remoteAddress;
  return admit(
    session,
    { username, mechanism: 'LOGIN' },
    await auth.authenticate({ username, password, client, protocol: 'imap' }),
  );
}

/** RFC 3501 §6.2.3 LOGINDISABLED, RFC 5530 §3 PRIVACYREQUIRED: no password in clear, not even a wrong one. */
export function requireTls(session: Session): void {
  if (!session.connection.secure) throw new No('Start TLS first', 'PRIVACYREQUIRED');
}

/** Who somebody says that they are, and by which mechanism. */
export interface Claim {
  readonly username: string;
  readonly mechanism: string;
}

/**
 * Enters the account that auth named. Every refusal says the same; each takes longer than the one before.
 * @param claim the username as the client said it, '' where only auth knows
 */
export async function admit(
  session: Session,
  { username, mechanism }: Claim,
  answer: AuthenticateResponse,
): Promise<Completion> {
  const { store, events, places, timing } = session.around;
  const client = session.connection.remoteAddress;
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
  events.loggedIn(session.facts, mechanism);
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
