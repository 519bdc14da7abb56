/** Commands about mailboxes: RFC 3501 §6.3, CREATE and LIST as RFC 6154 and RFC 5258 extend them. */
import type { Command, StatusItem } from '../command.ts';
import { ATOM, OCTET } from '../octet-class.ts';
import type { Scanner } from '../scanner.ts';
import { mailboxName, mailboxPattern, mailboxReference } from '../grammar/mailbox-name.ts';
import { dateTime } from '../grammar/date-time.ts';
import { flagList } from '../grammar/flag.ts';

/** The attributes of RFC 6154 §2, as they are spelt. */
const SPECIAL_USES = ['\\All', '\\Archive', '\\Drafts', '\\Flagged', '\\Junk', '\\Sent', '\\Trash'] as const;
const SPECIAL_USE_OF = new Map<string, string>(SPECIAL_USES.map((name) => [name.toUpperCase(), name]));

const STATUS_ITEMS = new Map<string, StatusItem>(
  (['MESSAGES', 'RECENT', 'UIDNEXT', 'UIDVALIDITY', 'UNSEEN'] as const).map((item) => [item, item]),
);

/** Verbs whose one argument is a mailbox. */
export function oneMailbox(
  verb: 'SELECT' | 'EXAMINE' | 'DELETE' | 'SUBSCRIBE' | 'UNSUBSCRIBE',
): (scanner: Scanner, tag: string) => Command {
  return (scanner, tag) => {
    scanner.expectSpace();
    return { tag, verb, mailbox: mailboxName(scanner) };
  };
}

/** CREATE SP mailbox [SP "(" USE SP "(" [use-attr] ")" ")"], RFC 3501 §6.3.3, RFC 6154 §3. */
export function create(scanner: Scanner, tag: string): Command {
  scanner.expectSpace();
  const mailbox = mailboxName(scanner);
  let specialUse: string | null = null;
  if (scanner.tryOctet(OCTET.space)) {
    scanner.expectOctet(OCTET.open, 'parameters in parentheses');
    scanner.expectWord('USE', ATOM);
    scanner.expectSpace();
    scanner.expectOctet(OCTET.open, 'a list of special uses');
    if (scanner.peek() === OCTET.backslash) specialUse = useAttribute(scanner);
    scanner.expectOctet(OCTET.close, 'one special use at most');
    scanner.expectOctet(OCTET.close);
  }
  return { tag, verb: 'CREATE', mailbox, specialUse };
}

function useAttribute(scanner: Scanner): string {
  scanner.expectOctet(OCTET.backslash);
  const written = `\\${scanner.expectRun(ATOM, 'a special use such as \\Sent')}`;
  return SPECIAL_USE_OF.get(written.toUpperCase()) ?? written;
}

/** RENAME SP mailbox SP mailbox, RFC 3501 §6.3.5. */
export function rename(scanner: Scanner, tag: string): Command {
  scanner.expectSpace();
  const from = mailboxName(scanner);
  scanner.expectSpace();
  return { tag, verb: 'RENAME', from, to: mailboxName(scanner) };
}

/**
 * LIST [SP selection] SP reference SP pattern [SP RETURN options]: RFC 3501 §6.3.8 and as much of RFC 5258
 * as SPECIAL-USE (RFC 6154 §2) and CHILDREN need.
 */
export function list(scanner: Scanner, tag: string): Command {
  scanner.expectSpace();
  const selected = scanner.peek() === OCTET.open ? optionList(scanner, ['SPECIAL-USE']) : [];
  if (scanner.text[scanner.offset - 1] === OCTET.close) scanner.expectSpace();
  const { reference, pattern } = referenceAndPattern(scanner);
  if (scanner.tryOctet(OCTET.space)) {
    scanner.expectWord('RETURN', ATOM);
    scanner.expectSpace();
    // Both are told in every answer: asking changes nothing (RFC 6154 §2, RFC 3348 §3).
    optionList(scanner, ['SPECIAL-USE', 'CHILDREN']);
  }
  return { tag, verb: 'LIST', reference, pattern, specialUseOnly: selected.length > 0 };
}

/** LSUB SP reference SP pattern, RFC 3501 §6.3.9. */
export function lsub(scanner: Scanner, tag: string): Command {
  scanner.expectSpace();
  return { tag, verb: 'LSUB', ...referenceAndPattern(scanner), specialUseOnly: false };
}

function referenceAndPattern(scanner: Scanner): { reference: string; pattern: string } {
  const reference = mailboxReference(scanner);
  scanner.expectSpace();
  return { reference, pattern: mailboxPattern(scanner) };
}

function optionList(scanner: Scanner, offered: readonly string[]): string[] {
  const options: string[] = [];
  scanner.expectOctet(OCTET.open, 'a list of options in parentheses');
  if (scanner.tryOctet(OCTET.close)) return options;
  do {
    const start = scanner.offset;
    const option = scanner.takeRun(ATOM).toUpperCase();
    if (!offered.includes(option)) scanner.fail(`one of the LIST options ${offered.join(', ')}`, start);
    options.push(option);
  } while (scanner.tryOctet(OCTET.space));
  scanner.expectOctet(OCTET.close);
  return options;
}

/** STATUS SP mailbox SP "(" item *(SP item) ")", RFC 3501 §6.3.10. */
export function status(scanner: Scanner, tag: string): Command {
  scanner.expectSpace();
  const mailbox = mailboxName(scanner);
  scanner.expectSpace();
  scanner.expectOctet(OCTET.open, 'a list of status items in parentheses');
  const items = new Set<StatusItem>();
  do {
    const start = scanner.offset;
    items.add(STATUS_ITEMS.get(scanner.takeRun(ATOM).toUpperCase()) ?? scanner.fail('a STATUS item', start));
  } while (scanner.tryOctet(OCTET.space));
  scanner.expectOctet(OCTET.close);
  return { tag, verb: 'STATUS', mailbox, items: [...items] };
}

/** APPEND SP mailbox [SP flag-list] [SP date-time] SP literal, RFC 3501 §6.3.11. */
export function append(scanner: Scanner, tag: string): Command {
  scanner.expectSpace();
  const mailbox = mailboxName(scanner);
  scanner.expectSpace();
  let flags = { system: 0, keywords: [] as readonly string[], recent: false };
  if (scanner.peek() === OCTET.open) {
    flags = flagList(scanner);
    scanner.expectSpace();
  }
  let internalDate: number | null = null;
  if (scanner.peek() === OCTET.quote) {
    internalDate = dateTime(scanner);
    scanner.expectSpace();
  }
  const message = scanner.tryLiteral() ?? scanner.fail('the message as a literal');
  return { tag, verb: 'APPEND', mailbox, flags, internalDate, message };
}
