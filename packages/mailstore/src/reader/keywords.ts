import { StoreRefusal } from '../contract.ts';

/** Keywords of one message. */
const LIMIT = 64;
const LENGTH_LIMIT = 128;

/**
 * Each keyword once, whatever its case (the first spelling stays), in the order of their letters.
 * @throws StoreRefusal `too-many` for more than 64 or one longer than 128 octets
 * @throws RangeError for something that is no atom: the parser's fault
 */
export function checkedKeywords(given: readonly string[]): string[] {
  if (given.length === 0) return [];
  const once = new Map<string, string>();
  for (const word of given) {
    if (word.length > LENGTH_LIMIT) throw new StoreRefusal('too-many', 'a keyword is longer than 128 octets');
    for (let i = 0; i < word.length; i++) {
      const code = word.charCodeAt(i);
      if (code <= 0x20 || code >= 0x7f) throw new RangeError('a keyword is an atom of ASCII letters');
    }
    const key = word.toLowerCase();
    if (word !== '' && !once.has(key)) once.set(key, word);
  }
  if (once.size > LIMIT) throw new StoreRefusal('too-many', `a message has at most ${LIMIT} keywords`);
  return [...once].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, word]) => word);
}
