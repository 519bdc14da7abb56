/** What we found out, as it is written into a message (RFC 8601). */
import { authenticationResults, isOwnAuthenticationResults } from '@waybill/mail-auth';
import type { Facts } from './phases/facts.ts';
import type { Envelope } from './phases/mail.ts';

export interface Written {
  /** A whole Authentication-Results field, CRLF at its end. */
  results(facts: Facts, envelope: Envelope): string;
  /** Whether this value of an Authentication-Results field claims to be ours. */
  isOurs(value: string): boolean;
}

/** @param hostname our name in these fields, as in Received */
export function writtenBy(hostname: string): Written {
  return {
    results: (facts, envelope) =>
      authenticationResults(hostname, facts, { sender: envelope.sender, helo: envelope.hello.helo }),
    isOurs: (value) => isOwnAuthenticationResults(value, hostname),
  };
}
