/**
 * Account ids as the store takes them: decimal strings of positive Postgres bigints, without
 * leading zeros, so that equal ids are equal strings.
 */

const MAX = '9223372036854775807';

/** @throws RangeError when the text is no such id: a fault of the caller, never of the mail. */
export function checkAccountId(id: string): string {
  const first = id.charCodeAt(0);
  let good = id.length > 0 && id.length <= MAX.length && first !== 0x30;
  for (let i = 0; i < id.length && good; i++) {
    const code = id.charCodeAt(i);
    good = code >= 0x30 && code <= 0x39;
  }
  if (!good || (id.length === MAX.length && id > MAX))
    throw new RangeError(`not an account id: ${JSON.stringify(id.slice(0, 40))}`);
  return id;
}

/** Numeric order of account ids: the order in which locks are taken. */
export function compareAccountIds(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
