/** AUTHENTICATE PLAIN and LOGIN, with an initial response or without: RFC 3501 §6.2.2, RFC 4959. */
import { continuation } from '@waybill/imap';
import { LOGIN_CHALLENGES, readLogin } from '../../sasl/login.ts';
import { readPlain } from '../../sasl/plain.ts';
import type { CommandOf, Completion } from '../commands.ts';
import { Bad, No } from '../replies.ts';
import type { Session } from '../session.ts';
import { logIn, requireTls } from './login.ts';

export async function authenticate(
  session: Session,
  { mechanism, initial }: CommandOf<'AUTHENTICATE'>,
): Promise<Completion> {
  requireTls(session);
  const outcome =
    mechanism === 'PLAIN'
      ? readPlain(initial ?? (await challenge(session, '')))
      : mechanism === 'LOGIN'
        ? readLogin(
            initial ?? (await challenge(session, LOGIN_CHALLENGES[0])),
            await challenge(session, LOGIN_CHALLENGES[1]),
          )
        : undefined;
  if (outcome === undefined) throw new No('This mechanism is not offered', 'CANNOT');
  if (outcome === 'malformed') throw new Bad('This response cannot be read');
  if (outcome === 'cannot-act-for-others')
    throw new No('Nobody may act for somebody else here', 'AUTHORIZATIONFAILED');
  return logIn(session, outcome.username, outcome.password);
}

async function challenge(session: Session, text: string): Promise<string> {
  session.output.text(continuation(text));
  const line = (await session.askLine()).toString('latin1');
  // RFC 3501 §6.2.2: the client gives up.
  if (line === '*') throw new Bad('Authentication was cancelled');
  return line;
}
