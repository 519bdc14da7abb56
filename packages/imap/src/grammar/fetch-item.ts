/** `fetch-att` of RFC 3501 §9 and the macros of §6.4.5. */
import type { FetchItem } from '../command.ts';
import { ITEM_NAME, OCTET } from '../octet-class.ts';
import type { Scanner } from '../scanner.ts';
import { partial, section } from './section.ts';

const FLAGS: FetchItem = { item: 'FLAGS' };
const FAST: readonly FetchItem[] = [FLAGS, { item: 'INTERNALDATE' }, { item: 'RFC822.SIZE' }];
const ALL: readonly FetchItem[] = [...FAST, { item: 'ENVELOPE' }];
const MACROS = new Map<string, readonly FetchItem[]>([
  ['FAST', FAST],
  ['ALL', ALL],
  ['FULL', [...ALL, { item: 'BODY' }]],
]);

const PLAIN = new Map<string, FetchItem>(
  (
    [
      'ENVELOPE',
      'FLAGS',
      'INTERNALDATE',
      'RFC822.SIZE',
      'UID',
      'BODYSTRUCTURE',
      'RFC822',
      'RFC822.HEADER',
      'RFC822.TEXT',
    ] as const
  ).map((item) => [item, { item }]),
);

/** What FETCH asks for: a macro, one item, or a list of items in parentheses. */
export function fetchItems(scanner: Scanner): readonly FetchItem[] {
  if (!scanner.tryOctet(OCTET.open)) {
    const start = scanner.offset;
    const name = scanner.takeRun(ITEM_NAME).toUpperCase();
    // RFC 3501 §6.4.5: a macro stands alone, never in a list.
    return MACROS.get(name) ?? [fetchItem(scanner, name, start)];
  }
  const items: FetchItem[] = [];
  do {
    const start = scanner.offset;
    items.push(fetchItem(scanner, scanner.takeRun(ITEM_NAME).toUpperCase(), start));
  } while (scanner.tryOctet(OCTET.space));
  scanner.expectOctet(OCTET.close);
  return items;
}

function fetchItem(scanner: Scanner, name: string, start: number): FetchItem {
  if (name === 'BODY' || name === 'BODY.PEEK') {
    if (scanner.peek() === OCTET.openBracket) {
      const wanted = section(scanner);
      return { item: 'SECTION', section: wanted, peek: name === 'BODY.PEEK', partial: partial(scanner) };
    }
    if (name === 'BODY') return { item: 'BODY' };
  }
  return PLAIN.get(name) ?? scanner.fail('a FETCH item', start);
}
