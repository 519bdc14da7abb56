/** One complete command, its literals at hand, to a value: tag, verb, and the verb's own parser from a table. */
import type { Command } from './command.ts';
import { authenticate, enable, id, login } from './command/session.ts';
import { append, create, list, lsub, oneMailbox, rename, status } from './command/mailboxes.ts';
import { copyOrMove, fetch, search, store, uid } from './command/messages.ts';
import { ATOM, isOctet, OCTET, TAG } from './octet-class.ts';
import { Scanner, type Literal } from './scanner.ts';

type VerbParser = (scanner: Scanner, tag: string) => Command;

const BARE = [
  'CAPABILITY',
  'NOOP',
  'LOGOUT',
  'STARTTLS',
  'CHECK',
  'CLOSE',
  'UNSELECT',
  'EXPUNGE',
  'IDLE',
  'NAMESPACE',
] as const;
const ONE_MAILBOX = ['SELECT', 'EXAMINE', 'DELETE', 'SUBSCRIBE', 'UNSUBSCRIBE'] as const;

const VERBS: ReadonlyMap<string, VerbParser> = new Map<string, VerbParser>([
  ...BARE.map((verb): [string, VerbParser] => [verb, (_scanner, tag) => ({ tag, verb })]),
  ...ONE_MAILBOX.map((verb): [string, VerbParser] => [verb, oneMailbox(verb)]),
  ['LOGIN', login],
  ['AUTHENTICATE', authenticate],
  ['ID', id],
  ['ENABLE', enable],
  ['CREATE', create],
  ['RENAME', rename],
  ['LIST', list],
  ['LSUB', lsub],
  ['STATUS', status],
  ['APPEND', append],
  ['SEARCH', (scanner, tag) => search(scanner, tag, false)],
  ['FETCH', (scanner, tag) => fetch(scanner, tag, false)],
  ['STORE', (scanner, tag) => store(scanner, tag, false)],
  ['COPY', (scanner, tag) => copyOrMove('COPY', scanner, tag, false)],
  ['MOVE', (scanner, tag) => copyOrMove('MOVE', scanner, tag, false)],
  ['UID', uid],
]);

/** Throws ImapSyntaxError for everything that RFC 3501 §9 and the extensions of command.ts do not say. */
export function parseCommand(text: Buffer, literals: readonly Literal[]): Command {
  const scanner = new Scanner(text, literals);
  const tag = scanner.expectRun(TAG, 'a tag');
  scanner.expectOctet(OCTET.space, 'a space after the tag');
  const start = scanner.offset;
  const parse = VERBS.get(scanner.expectRun(ATOM, 'a command').toUpperCase());
  if (parse === undefined) return scanner.fail('a command that this server knows', start);
  const command = parse(scanner, tag);
  scanner.expectEnd();
  return command;
}

/** Longer tags are not echoed; clients use a handful of octets. */
const MAX_TAG = 255;

/** The tag at the head of a command's text, null when there is none to answer with. RFC 3501 §2.2.1. */
export function readTag(text: Buffer): string | null {
  let end = 0;
  while (end <= MAX_TAG && end < text.length && isOctet(text[end]!, TAG)) end += 1;
  const complete = end > 0 && end <= MAX_TAG && (end === text.length || text[end] === OCTET.space);
  return complete ? text.toString('latin1', 0, end) : null;
}
