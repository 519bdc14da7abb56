import { type Reply, reply } from '../reply.ts';
import type { DataFault } from './data-reader.ts';
import type { SmtpServerOptions } from './options.ts';

/** What the engine itself says. Greeting, EHLO and 354 carry no enhanced code (RFC 2034 §4). */

export function greeting(options: SmtpServerOptions): Reply {
  const service = options.protocol === 'lmtp' ? 'LMTP' : 'ESMTP';
  return reply(220, '', `${options.hostname} ${service} Waybill`);
}

export function goingDown(hostname: string): Reply {
  return reply(421, '4.3.2', `${hostname} is going down, try again later`);
}

export function goodBye(hostname: string): Reply {
  return reply(221, '2.0.0', `${hostname} closes the connection`);
}

/** RFC 4954 §4. */
export function unknownMechanism(offered: readonly string[]): Reply {
  return reply(504, '5.5.4', `This mechanism is not offered; ${offered.join(', ')}`);
}

/** RFC 3030 §2. */
export function chunkTaken(octets: number): Reply {
  return reply(250, '2.0.0', `${octets} octets taken`);
}

export function noRecipients(protocol: SmtpServerOptions['protocol']): Reply {
  return protocol === 'lmtp' ? NO_LMTP_RECIPIENTS : NO_RECIPIENTS;
}

export const DONE = reply(250, '2.0.0', 'OK');
export const START_INPUT = reply(354, '', 'Send the message, end with a line that holds a dot only');
export const READY_FOR_TLS = reply(220, '2.0.0', 'Ready to start TLS');
export const VRFY = reply(252, '2.5.2', 'Send mail and it will be tried');
export const HELP = reply(214, '2.0.0', 'RFC 5321 tells all');

export const UNEXPECTED = reply(451, '4.3.0', 'Something went wrong here, try again later');
export const TOO_MANY_ERRORS = reply(421, '4.7.0', 'Too many errors');
export const TOO_MUCH_TALK = reply(421, '4.7.0', 'Too many commands without mail');
export const TOO_MANY_AUTH_FAILURES = reply(421, '4.7.0', 'Too many failed logins');
export const TOO_MANY_RECIPIENTS = reply(452, '4.5.3', 'Too many recipients, send the rest separately');

export const UNKNOWN_COMMAND = reply(500, '5.5.1', 'Command not recognised');
export const NO_HTTP = reply(500, '5.5.1', 'This is no web server');
export const LONG_LINE = reply(500, '5.5.2', 'Line too long');
export const LONG_AUTH_LINE = reply(500, '5.5.6', 'Line of the AUTH exchange too long'); // RFC 4954 §6
export const ENDLESS_LINE = reply(500, '5.5.2', 'Line without end');
export const BARE_LINE_END = reply(500, '5.5.2', 'Lines end with CR LF; a lone CR or LF is not accepted');
export const BAD_OCTETS = reply(500, '5.5.2', 'The command holds octets that no command has');
export const NO_ARGUMENT = reply(501, '5.5.4', 'This command takes no argument');
export const NO_NAME = reply(501, '5.5.4', 'Say your name: a domain or an address literal');
export const NOT_IMPLEMENTED = reply(502, '5.5.1', 'Not available here');
export const HELLO_FIRST = reply(503, '5.5.1', 'Say EHLO first');
export const LHLO_FIRST = reply(503, '5.5.1', 'Say LHLO first');
export const NESTED_MAIL = reply(503, '5.5.1', 'MAIL was given already');
export const MAIL_FIRST = reply(503, '5.5.1', 'MAIL comes first');
export const NOT_NOW = reply(503, '5.5.1', 'Not within a mail transaction');
export const AUTHENTICATED_ALREADY = reply(503, '5.5.1', 'Already authenticated');
export const TLS_ALREADY = reply(503, '5.5.1', 'TLS is up already');
export const NO_RECIPIENTS = reply(554, '5.5.1', 'No valid recipients');
export const NO_LMTP_RECIPIENTS = reply(503, '5.5.1', 'No valid recipients'); // RFC 2033 §4.2
export const TOO_BIG = reply(552, '5.3.4', 'The message is too big');
export const BDAT_MALFORMED = reply(501, '5.5.4', 'Write BDAT size, or BDAT size LAST');
export const RSET_FIRST = reply(503, '5.5.1', 'The message was refused, say RSET first');
export const WITHIN_CHUNKS = reply(503, '5.5.1', 'The message is coming in by BDAT'); // RFC 3030 §2
export const OUT_OF_TURN = reply(554, '5.5.0', 'You talk before it is your turn');
export const TLS_BUSY = reply(454, '4.7.0', 'TLS is not available at the moment'); // RFC 3207 §4
export const NOTHING_BEHIND_STARTTLS = reply(554, '5.5.0', 'Nothing may follow STARTTLS before TLS');

// RFC 3207 §4, RFC 4954 §4 and §6
export const TLS_FIRST = reply(530, '5.7.0', 'Say STARTTLS first');
export const AUTH_FIRST = reply(530, '5.7.0', 'Authentication required');
export const AUTH_NEEDS_TLS = reply(538, '5.7.11', 'Say STARTTLS first: no password is taken in clear');
export const AUTH_CANCELLED = reply(501, '5.7.0', 'Authentication cancelled');
export const AUTH_MALFORMED = reply(501, '5.5.2', 'Not base64, or not what this mechanism sends');

export const DATA_FAULTS: Readonly<Record<DataFault, Reply>> = {
  bare: reply(550, '5.6.11', 'The message holds a lone CR or LF'),
  nul: reply(550, '5.6.0', 'The message holds a NUL octet'),
  line: reply(550, '5.6.0', 'The message holds a line that is too long'),
  size: TOO_BIG,
  memory: reply(452, '4.3.1', 'No room at the moment, try again later'),
};
