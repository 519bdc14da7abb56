/** AUTHENTICATE, with an initial response or without: RFC 3501 §6.2.2, RFC 4959. */
import { continuation } from '@waybill/imap';
import { SaslExchange, type SaslOutcome } from '../../sasl/exchange.ts';
import type { CommandOf, Completion } from '../commands.ts';
import { Bad, Bye, No } from '../replies.ts';
import type { Session } from '../session.ts';
import { admit, requireTls } from './login.ts';

/** Exchanges that are broken off, until the session ends: each costs auth a little and leads nowhere. */
const MOST_BROKEN_OFF = 10;

export async function authenticate(
  session: Session,
  { mechanism: name, initial }: CommandOf<'AUTHENTICATE'>,
): Promise<Completion> {
  requireTls(session);
  const { auth, mechanisms } = session.around;
  const mechanism = mechanisms.find((offered) => offered === name);
  if (mechanism === undefined) throw new No('This mechanism is not offered', 'CANNOT');
  const client = session.connection.remoteAddress;
  const exchange = new SaslExchange(mechanism, auth, { client, protocol: 'imap' });
  let outcome: SaslOutcome = await exchange.begin(initial);
  while (outcome.status === 'challenge')
    outcome = await exchange.respond(await ask(session, outcome.challenge));
  if (outcome.status === 'malformed') throw brokenOff(session, 'This response cannot be read');
  return admit(session, exchange, outcome);
}

async function ask(session: Session, challenge: string): Promise<string> {
  session.output.text(continuation(challenge));
  const line = (await session.askLine()).toString('latin1');
  // RFC 3501 §6.2.2: the client gives up.
  if (line === '*') throw brokenOff(session, 'Authentication was cancelled');
  return line;
}

function brokenOff(session: Session, text: string): Bad | Bye {
  session.brokenOffLogins += 1;
  return session.brokenOffLogins < MOST_BROKEN_OFF ? new Bad(text) : new Bye(`${text} once too often`);
}
