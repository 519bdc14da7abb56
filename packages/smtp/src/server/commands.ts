import { normaliseDomain, parseAddressLiteral } from '../domain.ts';
import type { Mailbox } from '../address.ts';
import { parseMail, parseRcpt, type Offers } from '../parameters.ts';
import { type Reply, reply } from '../reply.ts';
import { bdatCommand } from './bdat-command.ts';
import { authCommand, authResponse, mechanismsOf } from './auth-command.ts';
import type { Conversation, Transaction } from './conversation.ts';
import * as said from './replies.ts';

/** What must be so before a command is looked at. */
interface Command {
  readonly protocol?: 'smtp' | 'lmtp';
  /** Allowed before EHLO or LHLO. */
  readonly beforeHello?: true;
  /** Allowed in clear where TLS is required (RFC 3207 §4). */
  readonly inClear?: true;
  /** Part of sending mail: needs authentication on a submission port. */
  readonly mail?: true;
  readonly run: (c: Conversation, argument: string) => void;
}

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['EHLO', { protocol: 'smtp', beforeHello: true, inClear: true, run: (c, name) => hello(c, name, true) }],
  ['HELO', { protocol: 'smtp', beforeHello: true, inClear: true, run: (c, name) => hello(c, name, false) }],
  ['LHLO', { protocol: 'lmtp', beforeHello: true, inClear: true, run: (c, name) => hello(c, name, true) }],
  ['MAIL', { mail: true, run: mail }],
  ['RCPT', { mail: true, run: rcpt }],
  ['DATA', { mail: true, run: data }],
  ['BDAT', { mail: true, run: (c, argument) => bdatCommand(c, argument, undefined) }],
  ['RSET', { beforeHello: true, inClear: true, run: rset }],
  ['NOOP', { beforeHello: true, inClear: true, run: (c) => c.junk(said.DONE) }],
  ['QUIT', { beforeHello: true, inClear: true, run: (c) => c.end(said.goodBye(c.options.hostname)) }],
  ['HELP', { beforeHello: true, run: (c) => c.junk(said.HELP) }],
  ['VRFY', { run: (c) => c.junk(said.VRFY) }],
  ['STARTTLS', { inClear: true, run: startTls }],
  ['AUTH', { protocol: 'smtp', run: authCommand }],
]);

/** First words of a browser that was sent here by a page (cross-protocol attacks). */
const HTTP = new Set(['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'CONNECT', 'TRACE']);

/** Acts on one line of the client. */
export function readCommand(c: Conversation, line: string): void {
  if (c.exchange !== undefined) {
    c.transcript?.client('***');
    authResponse(c, c.exchange, line);
    return;
  }
  const space = line.indexOf(' ');
  const verb = (space === -1 ? line : line.slice(0, space)).toUpperCase();
  const argument = space === -1 ? '' : line.slice(space + 1).trim();
  const command = COMMANDS.get(verb);
  c.transcript?.client(recorded(c, line, verb, argument));
  // Not every client looks at the answer to AUTH before it goes on with a name and a password.
  c.secretsAhead = command === undefined ? c.secretsAhead : verb === 'AUTH';
  if (command === undefined || (command.protocol !== undefined && command.protocol !== c.options.protocol)) {
    if (HTTP.has(verb) && argument !== '') c.end(said.NO_HTTP);
    else c.mistake(said.UNKNOWN_COMMAND);
    return;
  }
  const refused = outOfOrder(c, command);
  if (refused === undefined) command.run(c, argument);
  else if (verb === 'BDAT') bdatCommand(c, argument, refused);
  else c.mistake(refused);
}

/** The line as the transcript may keep it: nothing that was said in place of AUTH's responses, or in a wrong form of it. */
function recorded(c: Conversation, line: string, verb: string, argument: string): string {
  if (verb === 'AUTH') return redacted(argument);
  if (/^\s*AUTH(?![A-Z])/i.test(line)) return 'AUTH ***';
  return c.secretsAhead && !COMMANDS.has(verb) ? '***' : line;
}

function redacted(argument: string): string {
  const [mechanism, initial] = argument.split(' ', 2);
  return `AUTH ${mechanism ?? ''}${initial === undefined ? '' : ' ***'}`;
}

function outOfOrder(c: Conversation, command: Command): Reply | undefined {
  const { options, peer } = c;
  if (options.tls === 'required' && peer.tls === undefined && command.inClear === undefined)
    return said.TLS_FIRST;
  if (c.extended === undefined && command.beforeHello === undefined)
    return options.protocol === 'lmtp' ? said.LHLO_FIRST : said.HELLO_FIRST;
  if (options.auth && command.mail === true && !c.authenticated) return said.AUTH_FIRST;
  return undefined;
}

function hello(c: Conversation, argument: string, extended: boolean): void {
  const name = clientName(argument);
  if (name === undefined) {
    c.mistake(said.NO_NAME);
    return;
  }
  // RFC 5321 §4.1.4: EHLO in mid-session is also RSET.
  c.reset();
  c.answer(
    'hello',
    () => c.session.hello?.(name, c.peer, extended),
    (refused) => {
      if (refused !== undefined && refused.code >= 400) {
        c.refusal(refused);
        return;
      }
      if (c.talksOutOfTurn()) return;
      c.extended = extended;
      c.junk(extended ? capabilities(c) : reply(250, '', c.options.hostname));
    },
  );
}

/**
 * RFC 5321 §4.1.1.1 wants a domain or an address literal, §4.1.4 forbids refusing mail for a wrong one: any
 * one word is taken, a valid domain in its usual form.
 */
function clientName(argument: string): string | undefined {
  const space = argument.indexOf(' ');
  const word = space === -1 ? argument : argument.slice(0, space);
  if (word === '' || word.length > 255) return undefined;
  return normaliseDomain(word) ?? parseAddressLiteral(word) ?? word;
}

function capabilities(c: Conversation): Reply {
  const { options, connection, peer } = c;
  c.offered = c.session.capabilities?.(peer) ?? [];
  const keywords = [
    options.hostname,
    'PIPELINING',
    `SIZE ${options.maxSize}`,
    '8BITMIME',
    'SMTPUTF8',
    'ENHANCEDSTATUSCODES',
    'CHUNKING',
    'DSN',
  ];
  if (options.tls !== 'none' && connection.canStartTls) keywords.push('STARTTLS');
  // RFC 4954 §4: offered only where it is allowed.
  if (options.auth && peer.tls !== undefined && !c.authenticated)
    keywords.push(`AUTH ${mechanismsOf(c.session).join(' ')}`);
  keywords.push(...c.offered);
  return reply(250, '', ...keywords);
}

function offers(c: Conversation): Offers {
  return {
    extended: c.extended === true,
    auth: c.options.auth,
    xwaybill: c.offered.includes('XWAYBILL'),
  };
}

function mail(c: Conversation, argument: string): void {
  if (c.transaction !== undefined) {
    c.mistake(said.NESTED_MAIL);
    return;
  }
  const command = parseMail(argument, offers(c));
  if ('code' in command) {
    c.mistake(command);
    return;
  }
  const { from, parameters } = command;
  // RFC 1870 §6.1: a declared size is refused before it is sent.
  c.senderRefused = true;
  if ((parameters.size ?? 0) > c.options.maxSize) {
    c.refusal(said.TOO_BIG);
    return;
  }
  c.answer(
    'mail',
    () => c.session.mail(from, parameters, c.peer),
    (answer) => {
      if (answer.code >= 400) {
        c.refusal(answer);
        return;
      }
      c.senderRefused = false;
      c.transaction = { smtputf8: parameters.smtputf8, recipients: 0, spoilt: false };
      c.say(answer);
    },
  );
}

function rcpt(c: Conversation, argument: string): void {
  const { transaction } = c;
  if (transaction === undefined) {
    c.withoutSender();
    return;
  }
  if (transaction.spoilt || c.message.chunked) {
    c.mistake(withinChunks(transaction));
    return;
  }
  const command = parseRcpt(argument, offers(c), transaction.smtputf8);
  if ('code' in command) {
    c.mistake(command);
    return;
  }
  if (transaction.recipients >= c.options.maxRecipients) {
    c.refusal(said.TOO_MANY_RECIPIENTS);
    return;
  }
  const to: Mailbox = command.to;
  c.answer(
    'rcpt',
    () => c.session.rcpt(to, command.parameters),
    (answer) => {
      if (answer.code >= 400) {
        c.refusal(answer);
        return;
      }
      transaction.recipients++;
      c.say(answer);
    },
  );
}

function data(c: Conversation, argument: string): void {
  if (argument !== '') c.mistake(said.NO_ARGUMENT);
  else if (c.transaction === undefined) c.withoutSender();
  else if (c.transaction.spoilt || c.message.chunked) c.mistake(withinChunks(c.transaction));
  else if (c.transaction.recipients === 0)
    // Sent ahead behind recipients that were refused, which were counted.
    c.junk(said.noRecipients(c.options.protocol));
  else {
    c.answer(
      'data',
      () => c.session.data?.(),
      (refused) => {
        if (refused !== undefined) c.refusal(refused);
        else if (!c.talksOutOfTurn()) {
          c.message.startData();
          c.say(said.START_INPUT);
        }
      },
    );
  }
}

/** RFC 3030 §2: nothing but BDAT, RSET and QUIT once chunks have come. */
function withinChunks(transaction: Transaction): Reply {
  return transaction.spoilt ? said.RSET_FIRST : said.WITHIN_CHUNKS;
}

function rset(c: Conversation, argument: string): void {
  if (argument !== '') {
    c.mistake(said.NO_ARGUMENT);
    return;
  }
  c.reset();
  c.junk(said.DONE);
}

function startTls(c: Conversation, argument: string): void {
  if (argument !== '') c.mistake(said.NO_ARGUMENT);
  else if (c.peer.tls !== undefined) c.mistake(said.TLS_ALREADY);
  else if (c.options.tls === 'none' || !c.connection.canStartTls) c.mistake(said.NOT_IMPLEMENTED);
  else if (!c.connection.mayHandshake) c.junk(said.TLS_BUSY);
  else c.startTls();
}
