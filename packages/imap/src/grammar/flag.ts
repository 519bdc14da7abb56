/** `flag` and `flag-list` of RFC 3501 §9: system flags as bits, the rest as keywords. */
import type { FlagList } from '../command.ts';
import { ATOM, OCTET } from '../octet-class.ts';
import type { Scanner } from '../scanner.ts';

/** The bits of FlagList.system; the store uses the same. RFC 3501 §2.3.2. */
export const SYSTEM_FLAGS = [
  ['\\Seen', 1],
  ['\\Answered', 2],
  ['\\Flagged', 4],
  ['\\Deleted', 8],
  ['\\Draft', 16],
] as const;

const BIT_OF = new Map<string, number>(SYSTEM_FLAGS.map(([name, bit]) => [name.slice(1).toUpperCase(), bit]));

/** "(" [flag *(SP flag)] ")". */
export function flagList(scanner: Scanner): FlagList {
  const flags = new FlagCollector(scanner);
  scanner.expectOctet(OCTET.open, 'a list of flags in parentheses');
  if (!scanner.tryOctet(OCTET.close)) {
    do flags.take();
    while (scanner.tryOctet(OCTET.space));
    scanner.expectOctet(OCTET.close);
  }
  return flags.list();
}

/** The flags of STORE: with parentheses or without, RFC 3501 §9 `store-att-flags`. */
export function storeFlags(scanner: Scanner): FlagList {
  if (scanner.peek() === OCTET.open) return flagList(scanner);
  const flags = new FlagCollector(scanner);
  do flags.take();
  while (scanner.tryOctet(OCTET.space));
  return flags.list();
}

/** `flag-keyword` for SEARCH KEYWORD. */
export function keyword(scanner: Scanner): string {
  return scanner.expectRun(ATOM, 'a keyword');
}

class FlagCollector {
  readonly #scanner: Scanner;
  #system = 0;
  #recent = false;
  /** By upper case: flags are the same in any case, RFC 3501 §2.3.2; the first spelling stays. */
  readonly #keywords = new Map<string, string>();

  constructor(scanner: Scanner) {
    this.#scanner = scanner;
  }

  take(): void {
    const start = this.#scanner.offset;
    if (!this.#scanner.tryOctet(OCTET.backslash)) {
      const name = this.#scanner.expectRun(ATOM, 'a flag');
      const key = name.toUpperCase();
      if (!this.#keywords.has(key)) this.#keywords.set(key, name);
      return;
    }
    const name = this.#scanner.takeRun(ATOM).toUpperCase();
    const bit = BIT_OF.get(name);
    if (bit !== undefined) this.#system |= bit;
    else if (name === 'RECENT') this.#recent = true;
    else this.#scanner.fail('a system flag that RFC 3501 defines, or a keyword', start);
  }

  list(): FlagList {
    return { system: this.#system, keywords: [...this.#keywords.values()], recent: this.#recent };
  }
}
