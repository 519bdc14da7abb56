/** Commands about messages: RFC 3501 §6.4, UID EXPUNGE (RFC 4315 §2.1), MOVE (RFC 6851 §3). */
import type { Command } from '../command.ts';
import { ATOM, ITEM_NAME, OCTET } from '../octet-class.ts';
import type { Scanner } from '../scanner.ts';
import { storeFlags } from '../grammar/flag.ts';
import { fetchItems } from '../grammar/fetch-item.ts';
import { mailboxName } from '../grammar/mailbox-name.ts';
import { numberSet } from '../grammar/number-set.ts';
import { searchKeys } from '../grammar/search-key.ts';
import { astring } from '../grammar/string.ts';

/** SEARCH [SP CHARSET SP astring] 1*(SP search-key), RFC 3501 §6.4.4. */
export function search(scanner: Scanner, tag: string, uid: boolean): Command {
  scanner.expectSpace();
  let charset: string | null = null;
  if (scanner.tryWord('CHARSET', ATOM)) {
    scanner.expectSpace();
    charset = astring(scanner, 'a charset').toUpperCase();
    scanner.expectSpace();
  }
  return { tag, verb: 'SEARCH', uid, charset, criteria: searchKeys(scanner, charset) };
}

/** FETCH SP sequence-set SP items, RFC 3501 §6.4.5. */
export function fetch(scanner: Scanner, tag: string, uid: boolean): Command {
  scanner.expectSpace();
  const set = numberSet(scanner);
  scanner.expectSpace();
  return { tag, verb: 'FETCH', uid, set, items: fetchItems(scanner) };
}

/** STORE SP sequence-set SP ["+" / "-"] FLAGS [.SILENT] SP flags, RFC 3501 §6.4.6. */
export function store(scanner: Scanner, tag: string, uid: boolean): Command {
  scanner.expectSpace();
  const set = numberSet(scanner);
  scanner.expectSpace();
  let mode: 'set' | 'add' | 'remove' = 'set';
  if (scanner.tryOctet(OCTET.plus)) mode = 'add';
  else if (scanner.tryOctet(OCTET.minus)) mode = 'remove';
  const start = scanner.offset;
  const item = scanner.takeRun(ITEM_NAME).toUpperCase();
  if (item !== 'FLAGS' && item !== 'FLAGS.SILENT') scanner.fail('FLAGS or FLAGS.SILENT', start);
  scanner.expectSpace();
  return { tag, verb: 'STORE', uid, set, mode, silent: item === 'FLAGS.SILENT', flags: storeFlags(scanner) };
}

/** COPY or MOVE SP sequence-set SP mailbox, RFC 3501 §6.4.7, RFC 6851 §3. */
export function copyOrMove(verb: 'COPY' | 'MOVE', scanner: Scanner, tag: string, uid: boolean): Command {
  scanner.expectSpace();
  const set = numberSet(scanner);
  scanner.expectSpace();
  return { tag, verb, uid, set, mailbox: mailboxName(scanner) };
}

/** UID SP (COPY / FETCH / MOVE / SEARCH / STORE / EXPUNGE) …, RFC 3501 §6.4.8. */
export function uid(scanner: Scanner, tag: string): Command {
  scanner.expectSpace();
  const start = scanner.offset;
  const verb = scanner.takeRun(ATOM).toUpperCase();
  switch (verb) {
    case 'COPY':
    case 'MOVE':
      return copyOrMove(verb, scanner, tag, true);
    case 'FETCH':
      return fetch(scanner, tag, true);
    case 'SEARCH':
      return search(scanner, tag, true);
    case 'STORE':
      return store(scanner, tag, true);
    case 'EXPUNGE':
      scanner.expectSpace();
      return { tag, verb: 'UID EXPUNGE', set: numberSet(scanner) };
    default:
      return scanner.fail('COPY, EXPUNGE, FETCH, MOVE, SEARCH or STORE after UID', start);
  }
}
