/** What a session is told that it can do: little before TLS, the rest after login. RFC 3501 §6.1.1. */
import type { Session } from './session.ts';

const BEFORE_TLS = ['IMAP4rev1', 'SASL-IR', 'ID', 'STARTTLS', 'LOGINDISABLED'];
const WITHOUT_TLS = ['IMAP4rev1', 'SASL-IR', 'ID', 'LOGINDISABLED'];
const BEFORE_LOGIN = ['IMAP4rev1', 'SASL-IR', 'ID', 'AUTH=PLAIN', 'AUTH=LOGIN'];
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
  if (session.connection.secure) return BEFORE_LOGIN;
  return session.connection.canStartTls ? BEFORE_TLS : WITHOUT_TLS;
}
