/** STARTTLS: RFC 3501 §6.2.1. */
import type { Completion } from '../commands.ts';
import { Bad } from '../replies.ts';
import type { Session } from '../session.ts';

/** The handshake begins when this answer is out; nothing of the session in clear is kept. */
export function startTls(session: Session): Completion {
  if (session.connection.secure) throw new Bad('TLS is in use already');
  if (!session.connection.canStartTls) throw new Bad('TLS is not offered here');
  session.startTls = true;
  return { text: 'Begin TLS negotiation now' };
}
