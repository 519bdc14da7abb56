/** Sets of UIDs in the two forms that the database answers in, as ascending numbers. */

/** An IMAP set, as the change log keeps it: `3:9,14`. */
export function expandUidSet(set: string): number[] {
  if (set === '') return [];
  const out: number[] = [];
  for (const part of set.split(',')) {
    const colon = part.indexOf(':');
    const low = Number(colon < 0 ? part : part.slice(0, colon));
    const high = colon < 0 ? low : Number(part.slice(colon + 1));
    for (let uid = low; uid <= high; uid++) out.push(uid);
  }
  return out;
}

/** An int8multirange in its text form: `{[3,10),[14,15)}`, the upper bound excluded. */
export function expandMultirange(text: string | null): number[] {
  const out: number[] = [];
  if (text === null || text === '{}') return out;
  for (const part of text.slice(2, -2).split('),[')) {
    const comma = part.indexOf(',');
    const end = Number(part.slice(comma + 1));
    for (let uid = Number(part.slice(0, comma)); uid < end; uid++) out.push(uid);
  }
  return out;
}
