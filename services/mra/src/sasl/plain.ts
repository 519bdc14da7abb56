/** SASL PLAIN (RFC 4616) as a value: one response in, a name and a password out. */
import { decodeBase64 } from './base64.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export type PlainOutcome = Credentials | 'malformed' | 'cannot-act-for-others';

/** Reads `[authzid] NUL authcid NUL passwd` in base64. */
export function readPlain(response: string): PlainOutcome {
  const octets = decodeBase64(response);
  if (octets === undefined) return 'malformed';
  const first = octets.indexOf(0);
  const second = octets.indexOf(0, first + 1);
  if (first === -1 || second === -1 || octets.indexOf(0, second + 1) !== -1) return 'malformed';
  const authzid = octets.toString('utf8', 0, first);
  const username = octets.toString('utf8', first + 1, second);
  const password = octets.toString('utf8', second + 1);
  if (username === '' || password === '') return 'malformed';
  // RFC 4616 §2: nobody here may act for somebody else.
  if (authzid !== '' && authzid !== username) return 'cannot-act-for-others';
  return { username, password };
}
