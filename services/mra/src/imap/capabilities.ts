/** What a session is told that it can do: little before TLS, the rest after login. RFC 3501 §6.1.1. */
import { type SaslMechanism, takesPasswords } from '@waybill/auth-client';
import type { Session } from './session.ts';

const BEFORE_TLS = ['IMAP4rev1', 'SASL-IR', 'ID', 'STARTTLS', 'LOGINDISABLED'];
const WITHOUT_TLS = ['IMAP4rev1', 'SASL-IR', 'ID', 'LOGINDISABLED'];
const BEFORE_LOGIN = ['IMAP4rev1', 'SASL-IR', 'ID'];
const AFTER_LOGIN = [
  'IMAP4rev1',
  'LITERAL+',
  'SASL-IR',
  'ID',
  'ENABLE',
  'IDLE',
  'NAMESPACE',
  'UIDPLUS',
  'MOVE',
  'UNSELECT',
  'CHILDREN',
  'SPECIAL-USE',
  'CREATE-SPECIAL-USE',
];

/** The names, in the order told. */
export function capabilities(session: Session): readonly string[] {
  if (session.account !== undefined) return AFTER_LOGIN;
  if (session.connection.secure) return beforeLogin(session.around.mechanisms);
  return session.connection.canStartTls ? BEFORE_TLS : WITHOUT_TLS;
}

/** RFC 3501 §6.2.2: a mechanism is named where it can be used. */
function beforeLogin(mechanisms: readonly SaslMechanism[]): readonly string[] {
  const names = [...BEFORE_LOGIN];
  for (const mechanism of mechanisms) names.push(`AUTH=${mechanism}`);
  if (!takesPasswords(mechanisms)) names.push('LOGINDISABLED'); // RFC 3501 §6.2.3
  return names;
}
